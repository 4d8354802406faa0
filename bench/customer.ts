/** A customer of the shop over plain HTTP, with little cost of its own: `node:http` and connections that are kept. */
import { randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'

/** An answer, and how long it took. */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the shop answers
  readonly body: any
  readonly tookMs: number
}

/** Sends JSON to a shop. */
export class Customer {
  readonly #port: number
  readonly #agent: Agent
  readonly token: string | undefined

  constructor(port: number, agent: Agent, token?: string) {
    this.#port = port
    this.#agent = agent
    this.token = token
  }

  /** The same way to the shop, signed in. */
  as(token: string): Customer {
    return new Customer(this.#port, this.#agent, token)
  }

  post(path: string, body: unknown): Promise<Answer> {
    const began = performance.now()
    const payload = JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          path: `/api${path}`,
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(payload),
            'idempotency-key': randomUUID(),
            ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
          },
        },
        response => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', piece => {
            text += piece
          })
          response.once('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              body: text === '' ? undefined : JSON.parse(text),
              tookMs: performance.now() - began,
            }),
          )
          response.once('error', reject)
        },
      )
      asked.once('error', reject)
      asked.end(payload)
    })
  }
}

/** Registers and signs in `count` customers of the shop at a port. */
export async function newCustomers(port: number, count: number): Promise<{ customers: Customer[]; agent: Agent }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const anybody = new Customer(port, agent)
  const customers: Customer[] = []
  for (let index = 0; index < count; index++) {
    const account = { email: `${randomUUID()}@customers.example`, password: PASSWORD }
    expecting(201, await anybody.post('/users', { ...account, name: 'Bench Customer' }))
    const session = expecting(201, await anybody.post('/sessions', account))
    customers.push(anybody.as((session as { token: string }).token))
  }
  return { customers, agent }
}

/** The password of all customers of the benchmarks. */
export const PASSWORD = 'a-good-password'

/** The body of an answer that must have this status. */
export function expecting(status: number, answer: Answer): unknown {
  if (answer.status === status) return answer.body
  throw new Error(`Expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`)
}
