/** The shop as an outsider sees it: plain HTTP by `fetch`, nothing of Trellis. */
import { randomUUID } from 'node:crypto'
import type { Account } from './start-shop.ts'

/** An answer of the shop. */
export interface Answer<T = Json> {
  readonly status: number
  readonly headers: Headers
  /** The JSON of the body; undefined when it is none. */
  readonly body: T
}

/** Some JSON object. Tests read it freely; what is not there is undefined. */
// biome-ignore lint/suspicious/noExplicitAny: an outsider has no types for what a server answers
export type Json = any

/** What a request may say beside its path. */
export interface RequestOptions {
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly rawBody?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** The idempotency key. Default: a new one for a POST; null: none. */
  readonly key?: string | null
  /** Give up after this many milliseconds. Default 15,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** One event of a stream. */
export interface StreamedEvent {
  readonly event: string | undefined
  readonly id: string | undefined
  readonly data: Json
}

/** Someone who uses the shop, signed in or not. */
export class ShopClient {
  readonly url: string
  token: string | undefined
  user: Json

  constructor(url: string, token?: string) {
    this.url = url
    this.token = token
  }

  /** Sends a request to `path` below `/api`. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.fetch(method, path, options)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parsed(text) }
  }

  /** The same, with the body still to be read. */
  fetch(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const { body, rawBody, timeoutMs = 15_000 } = options
    const key = options.key === undefined && method === 'POST' ? randomUUID() : options.key
    const payload = rawBody ?? (body === undefined ? undefined : JSON.stringify(body))
    const limit = AbortSignal.timeout(timeoutMs)
    return fetch(`${this.url}/api${path}`, {
      method,
      headers: {
        'trellis-timeout-ms': '60000', // the shop's clock may run faster than the machine
        ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined || key === null ? {} : { 'idempotency-key': key }),
        ...options.headers,
      },
      ...(payload === undefined ? {} : { body: payload as NonNullable<RequestInit['body']> }),
      signal: options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]),
    })
  }

  get(path: string, options?: RequestOptions): Promise<Answer> {
    return this.request('GET', path, options)
  }

  post(path: string, body?: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request('POST', path, { ...options, ...(body === undefined ? {} : { body }) })
  }

  put(path: string, body: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request('PUT', path, { ...options, body })
  }

  patch(path: string, body: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request('PATCH', path, { ...options, body })
  }

  delete(path: string, options?: RequestOptions): Promise<Answer> {
    return this.request('DELETE', path, options)
  }

  /** Registers an account and signs in. */
  async register(account: Account & { readonly name?: string } = newAccount()): Promise<Json> {
    const { email, password, name = 'Test Customer' } = account
    const user = expecting(201, await this.post('/users', { email, password, name }))
    await this.signIn(account)
    return user
  }

  /** Signs in; later requests carry the token. */
  async signIn({ email, password }: Account): Promise<Json> {
    const session = expecting(201, await this.post('/sessions', { email, password }, { key: null }))
    this.token = session.token
    this.user = session.user
    return session
  }

  /** Opens an order of some items. */
  async order(...items: readonly { productId: string; quantity: number }[]): Promise<Json> {
    return expecting(201, await this.post('/orders', { items }))
  }

  /** Checks an order out. */
  async checkOut(orderId: string, paymentMethod = 'pm_ok'): Promise<Json> {
    return expecting(202, await this.post(`/orders/${orderId}/checkout`, { paymentMethod }))
  }

  /** Follows an order until its final state; the order then. */
  async settled(orderId: string, timeoutMs = 20_000): Promise<Json> {
    for await (const { event, data } of this.changes(orderId, { timeoutMs })) {
      if (event === 'fault') throw new Error(`The changes of ${orderId} broke: ${JSON.stringify(data)}`)
      if (data.status === 'confirmed' || data.status === 'cancelled') break
    }
    return expecting(200, await this.get(`/orders/${orderId}`))
  }

  /** The changes of an order as Server-Sent Events. */
  changes(orderId: string, options: RequestOptions = {}): AsyncGenerator<StreamedEvent> {
    return this.events(`/orders/${orderId}/changes`, options)
  }

  /** A stream of Server-Sent Events. A 204 has none; another status is an error. */
  async *events(path: string, options: RequestOptions = {}): AsyncGenerator<StreamedEvent> {
    const headers = { accept: 'text/event-stream', ...options.headers }
    const response = await this.fetch('GET', path, { ...options, headers })
    if (response.status === 204) return
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    yield* readEvents(response)
  }

  /** A stream of NDJSON, to its end. */
  async lines(path: string, options: RequestOptions = {}): Promise<Json[]> {
    const headers = { accept: 'application/x-ndjson', ...options.headers }
    const response = await this.fetch('GET', path, { ...options, headers })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`)
    return text.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]))
  }

  /** All pages of a list. */
  async all(path: string): Promise<Json[]> {
    const items: Json[] = []
    for (let cursor = ''; ; ) {
      const page = expecting(200, await this.get(`${path}?limit=100${cursor}`))
      items.push(...page.items)
      if (page.nextCursor === undefined) return items
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`
    }
  }
}

/** The body of an answer that must have this status. */
export function expecting(status: number, answer: Answer): Json {
  if (answer.status === status) return answer.body
  throw new Error(`Expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`)
}

/** An account that nobody has. */
export function newAccount(): Account & { readonly name: string } {
  return { email: `${randomUUID()}@customers.example`, password: 'a-good-password', name: 'Test Customer' }
}

async function* readEvents(response: Response): AsyncGenerator<StreamedEvent> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = toEvent(text.slice(0, end))
      text = text.slice(end + 2)
      if (event !== undefined) yield event
    }
  }
}

function toEvent(block: string): StreamedEvent | undefined {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart())
  }
  const data = fields.get('data')
  return data === undefined ? undefined : { event: fields.get('event'), id: fields.get('id'), data: JSON.parse(data) }
}

function parsed(text: string): Json {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a body that is no JSON; the caller looks at the status
  }
}
