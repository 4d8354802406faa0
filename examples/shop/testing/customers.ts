/** Clients that behave as good ones do: whatever is not answered is asked for again with the same idempotency key, and what became of it is written down. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientRecord, Wish } from './client-record.ts'
import type { Dice } from './dice.ts'
import type { Answer, Json } from './shop-client.ts'
import { newAccount, ShopClient } from './shop-client.ts'
import type { Account } from './start-shop.ts'

/** What the clients of a run have in common. */
export interface Crowd {
  readonly url: string
  readonly record: ClientRecord
  /** Answers that no client should ever get, such as a 500. */
  readonly surprises: string[]
}

/** How often a patient client asks before it gives up: some minutes of an unreachable shop. */
const PATIENCE = 300
/** How long the changes of one order are followed, in milliseconds: they come at once, or the order waits for a part that is down. */
const FOLLOW_MS = 120_000
const LONGEST_PAUSE_MS = 1_000
/** How long one attempt may take. */
const ATTEMPT_MS = 10_000
/** An impatient client asks once, and does not wait long. */
const IMPATIENT_MS = 150

/** Refusals that are temporary by their own word. */
const AGAIN = new Set([429, 502, 503, 504])

/** One signed-in client that asks until it is answered. */
export class Customer {
  readonly account: Account
  readonly #crowd: Crowd
  readonly #client: ShopClient
  readonly #dice: Dice

  constructor(crowd: Crowd, dice: Dice, account: Account = newAccount()) {
    this.account = account
    this.#crowd = crowd
    this.#dice = dice
    this.#client = new ShopClient(crowd.url)
  }

  /** Registers the account and signs in. */
  async register(): Promise<void> {
    const { email, password } = this.account
    const wish = this.#wish('register', email)
    await this.#ask(wish, 'POST', '/users', { email, password, name: 'Carla Customer' })
    await this.signIn()
  }

  async signIn(): Promise<void> {
    const { email, password } = this.account
    this.#client.token = undefined // one that has ended is refused wherever it is shown, also here
    let last = 'no answer'
    for (let attempt = 1; attempt <= PATIENCE; attempt++) {
      const answer = await this.#send('POST', '/sessions', { email, password }, { key: null })
      last = answer === undefined ? 'no answer' : `${answer.status} ${JSON.stringify(answer.body)}`
      if (answer?.status === 201) {
        this.#client.token = answer.body.token
        return
      }
      if (answer !== undefined && !AGAIN.has(answer.status)) this.#surprise('POST /sessions', answer)
      await this.#pause(attempt, answer)
    }
    throw new Error(`${email} could not sign in: ${last}`)
  }

  /** Asks for something that is written down. `impatient`: once, and not for long. Undefined unless it was accepted. */
  async want(
    kind: Wish['kind'],
    path: string,
    body: Json,
    options: { readonly orderId?: string; readonly delta?: number; readonly impatient?: boolean } = {},
  ): Promise<Json> {
    const { impatient = false, ...about } = options
    const wish = this.#wish(kind, this.account.email, about)
    // The clerk's reason is the mark of an adjustment, which has no other.
    const payload = kind === 'adjust' ? { ...body, reason: wish.traceId } : body
    return this.#ask(wish, 'POST', path, payload, impatient)
  }

  /** Reads until there is an answer; undefined when there never is. */
  async read(path: string): Promise<Json> {
    return (await this.#persist('GET', path, undefined, PATIENCE, {}))?.body
  }

  /** Replaces something; not written down. */
  async put(path: string, body: Json): Promise<void> {
    await this.#persist('PUT', path, body, PATIENCE, {})
  }

  /** Follows an order to its final state by the stream of its changes, again and again where the stream breaks. Its status then, or undefined. */
  async follow(orderId: string): Promise<string | undefined> {
    let lastEventId: string | undefined
    const end = performance.now() + FOLLOW_MS
    for (let attempt = 1; performance.now() < end; attempt++) {
      const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
      try {
        let seen = 0
        for await (const { event, id, data } of this.#client.changes(orderId, { headers, timeoutMs: ATTEMPT_MS })) {
          if (event === 'fault') break
          if (id !== undefined && lastEventId !== undefined && Number(id) <= Number(lastEventId))
            this.#crowd.surprises.push(`the changes of ${orderId} went back from ${lastEventId} to ${id}`)
          lastEventId = id ?? lastEventId
          seen++
          if (isFinal(data.status)) return data.status
        }
        // Nothing behind the last event that was seen: it was final.
        if (seen === 0) {
          const order = await this.read(`/orders/${orderId}`)
          if (order !== undefined && isFinal(order.status)) return order.status
        }
      } catch {
        // The connection broke or was refused: the next attempt goes on behind the last event.
        await this.#refresh()
      }
      await this.#pause(attempt, undefined)
    }
    this.#crowd.surprises.push(`the changes of ${orderId} never came to an end`)
    return undefined
  }

  #wish(kind: Wish['kind'], who: string, about: { orderId?: string; delta?: number } = {}): Wish {
    return this.#crowd.record.add({ kind, who, traceId: randomBytes(16).toString('hex'), ...about })
  }

  async #ask(wish: Wish, method: string, path: string, body: Json, impatient = false): Promise<Json> {
    const answer = await this.#persist(method, path, body, impatient ? 1 : PATIENCE, {
      key: wish.traceId,
      traceId: wish.traceId,
      ...(impatient ? { timeoutMs: IMPATIENT_MS } : {}),
      counted: () => void wish.attempts++,
    })
    if (answer === undefined) return undefined
    if (answer.status >= 300) {
      wish.outcome = 'refused'
      wish.reason = answer.body?.reason ?? String(answer.status)
      return undefined
    }
    wish.outcome = 'accepted'
    if (wish.kind === 'order') wish.orderId = answer.body.id
    return answer.body
  }

  /** The final answer of a request, or undefined when it never came. */
  async #persist(
    method: string,
    path: string,
    body: Json,
    patience: number,
    how: Sending,
  ): Promise<Answer | undefined> {
    for (let attempt = 1; attempt <= patience; attempt++) {
      how.counted?.()
      const answer = await this.#send(method, path, body, how)
      if (answer !== undefined) {
        const again = AGAIN.has(answer.status) || answer.body?.code === 'aborted'
        if (answer.status === 401) await this.#refresh()
        else if (answer.status >= 500 && !again) this.#surprise(`${method} ${path}`, answer)
        else if (!again) return answer
      }
      if (attempt < patience) await this.#pause(attempt, answer)
    }
    return undefined
  }

  /** One attempt; undefined when no answer came. */
  async #send(method: string, path: string, body: Json, how: Sending): Promise<Answer | undefined> {
    const traceparent = `00-${how.traceId ?? randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
    try {
      return await this.#client.request(method, path, {
        headers: { traceparent },
        timeoutMs: how.timeoutMs ?? ATTEMPT_MS,
        ...(body === undefined ? {} : { body }),
        ...(how.key === undefined ? {} : { key: how.key }),
      })
    } catch {
      return undefined // no connection, or it broke: whether the request was served is not known
    }
  }

  /** A token ends in its time. */
  async #refresh(): Promise<void> {
    const answer = await this.#send('GET', '/users/me', undefined, {})
    if (answer?.status === 401) await this.signIn()
  }

  #surprise(what: string, { status, body }: Answer): void {
    this.#crowd.surprises.push(`${what}: ${status} ${JSON.stringify(body)}`)
  }

  /** Longer each time, with jitter, and no shorter than the shop asks for. */
  async #pause(attempt: number, answer: Answer | undefined): Promise<void> {
    const bound = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(attempt, 10))
    const asked = Number(answer?.headers.get('retry-after') ?? 0) * 1_000
    await sleep(Math.max(Math.min(asked, LONGEST_PAUSE_MS), bound * (0.5 + this.#dice.next() / 2)))
  }
}

interface Sending {
  readonly key?: string | null
  readonly traceId?: string
  readonly timeoutMs?: number
  readonly counted?: () => void
}

function isFinal(status: unknown): boolean {
  return status === 'confirmed' || status === 'cancelled'
}
