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
    return clear(await this.#send(ctx, 'POST', '/charges', request), ChargeAnswer).status
  }

  /** How a charge ended, or undefined when the provider never had it. */
  async find(key: string, ctx: Context): Promise<'captured' | 'declined' | undefined> {
    const answer = await this.#send(ctx, 'GET', `/charges/${encodeURIComponent(key)}`)
    return answer.status === 404 ? undefined : clear(answer, ChargeAnswer).status
  }

  /** Gives a charge back. A provider that refuses is `PROVIDER_REFUSED`: its books and ours differ, which a person must look at. */
  async refund(
    request: { key: string; charge: string; amount: number; currency: string },
    ctx: Context,
  ): Promise<void> {
    const answer = await this.#send(ctx, 'POST', '/refunds', request)
    if (answer.status === 409) {
      throw new Fault(
        'failed_precondition',
        'The payment provider has nothing to refund; compare its books with ours.',
        {
          reason: 'PROVIDER_REFUSED',
        },
      )
    }
    clear(answer, RefundAnswer)
  }

  close(): Promise<void> {
    return this.#http.close()
  }

  async #send(ctx: Context, method: string, target: string, body?: unknown): Promise<Answer> {
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
    return { status: response.status, body: new TextDecoder().decode(await response.readAll(MAX_ANSWER)) }
  }
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** Reads an answer; whatever is not a clear one is `unavailable`. */
function clear<T>({ status, body }: Answer, schema: z.ZodType<T>): T {
  const read = status === 200 ? schema.safeParse(parsed(body)) : undefined
  if (read?.success === true) return read.data
  throw new Fault(
    'unavailable',
    `The payment provider gave no clear answer (status ${status}); the same request can be made again.`,
    {
      reason: 'PROVIDER_UNAVAILABLE',
    },
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined // cut short, or no JSON at all
    throw error
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
