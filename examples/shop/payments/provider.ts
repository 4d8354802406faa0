/** The shop's side of the payment provider (which is `../provider/`): plain HTTP, as any provider would have it. */
import type { Context } from 'trellis/kernel'
import { Fault } from 'trellis/kernel'
import { resource } from 'trellis/service'
import type { HttpClient } from 'trellis/wire/http1'
import { createHttpClient } from 'trellis/wire/http1'
import { z } from 'zod'

const ChargeAnswer = z.object({ key: z.string(), status: z.enum(['captured', 'declined']) })
const RefundAnswer = z.object({ key: z.string() })

/** A charge, keyed: repeating it with the same key charges once. */
export interface ChargeRequest {
  readonly key: string
  readonly reference: string
  readonly amount: number
  readonly currency: string
  readonly method: string
}

/** The largest answer that is read, in bytes. */
const MAX_ANSWER = 64 * 1024

/** Talks to the provider. Whatever is not a clear answer is `unavailable`: the outcome is unknown, and asking again with the same key is safe. */
export class Provider {
  readonly #http: HttpClient
  readonly #host: string
  readonly #port: number

  constructor(http: HttpClient, url: string) {
    const { hostname, port } = new URL(url)
    this.#http = http
    this.#host = hostname
    this.#port = Number(port)
  }

  async charge(request: ChargeRequest, ctx: Context): Promise<'captured' | 'declined'> {
    const answer = await this.#send(ctx, 'POST', '/charges', request)
    return ChargeAnswer.parse(answer).status
  }

  /** How a charge ended, or undefined when the provider never had it. */
  async find(key: string, ctx: Context): Promise<'captured' | 'declined' | undefined> {
    const answer = await this.#send(ctx, 'GET', `/charges/${encodeURIComponent(key)}`)
    return answer === undefined ? undefined : ChargeAnswer.parse(answer).status
  }

  async refund(
    request: { key: string; charge: string; amount: number; currency: string },
    ctx: Context,
  ): Promise<void> {
    RefundAnswer.parse(await this.#send(ctx, 'POST', '/refunds', request))
  }

  close(): Promise<void> {
    return this.#http.close()
  }

  async #send(ctx: Context, method: string, target: string, body?: unknown): Promise<unknown> {
    const response = await this.#http.request(
      { host: this.#host, port: this.#port },
      {
        method,
        target,
        headers: body === undefined ? [] : ['content-type', 'application/json'],
        signal: ctx.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    )
    const text = new TextDecoder().decode(await response.readAll(MAX_ANSWER))
    if (response.status === 404) return undefined
    if (response.status !== 200) {
      throw new Fault(
        'unavailable',
        `The payment provider answered ${response.status}; the same request can be made again.`,
        {
          reason: 'PROVIDER_UNAVAILABLE',
        },
      )
    }
    return JSON.parse(text)
  }
}

/** The connection to the provider that `SHOP_PROVIDER_URL` names. */
export const provider = resource(
  'provider',
  env => {
    const url = env.setting('SHOP_PROVIDER_URL')
    if (url === undefined)
      throw new TypeError('SHOP_PROVIDER_URL is not set; give the address of the payment provider.')
    return new Provider(createHttpClient(env.runtime, {}), url)
  },
  it => it.close(),
)
