/**
 * The built-in payment provider: a small HTTP server that stands for the real one, outside of everything that Trellis offers. Its methods of payment misbehave as real ones
 * do: `pm_slow` answers after 3 s, `pm_flaky` fails twice, `pm_lost` charges and loses the first answer.
 */
import type { Runtime } from 'trellis/kernel'
import { sleep } from 'trellis/kernel'
import type { Exchange, ExchangeHandler } from 'trellis/wire'
import { z } from 'zod'
import type { Books, Entry } from './charges.ts'

const MAX_BODY = 64 * 1024
const SLOW_MS = 3_000
const FLAKY_FAILURES = 2

const ChargeRequest = z.strictObject({
  key: z.string().min(1).max(200),
  reference: z.string().max(200),
  amount: z.int().min(0),
  currency: z.string().regex(/^[A-Z]{3}$/),
  method: z.enum(['pm_ok', 'pm_declined', 'pm_slow', 'pm_flaky', 'pm_lost']),
})
const RefundRequest = z.strictObject({
  key: z.string().min(1).max(200),
  charge: z.string().min(1).max(200),
  amount: z.int().min(0),
  currency: z.string().regex(/^[A-Z]{3}$/),
})

/** Answers `POST /charges`, `GET /charges/{key}` and `POST /refunds`. */
export function createProvider(runtime: Runtime, books: Books): ExchangeHandler {
  const failures = new Map<string, number>()
  return exchange => {
    serve(exchange).catch((error: unknown) => {
      if (error instanceof z.ZodError || error instanceof SyntaxError)
        answer(exchange, 400, { error: 'invalid request' })
      else answer(exchange, 500, { error: 'internal' })
    })
  }

  async function serve(exchange: Exchange): Promise<void> {
    const { method, target } = exchange
    if (method === 'POST' && target === '/charges') return charge(exchange, ChargeRequest.parse(await body(exchange)))
    if (method === 'POST' && target === '/refunds') return refund(exchange, RefundRequest.parse(await body(exchange)))
    if (method === 'GET' && target.startsWith('/charges/')) {
      const entry = await books.find(decodeURIComponent(target.slice('/charges/'.length)))
      if (entry?.kind === 'charge') return answer(exchange, 200, entry)
    }
    answer(exchange, 404, { error: 'not found' })
  }

  async function charge(exchange: Exchange, request: z.infer<typeof ChargeRequest>): Promise<void> {
    const known = books.find(request.key)
    if (known !== undefined) return answer(exchange, 200, await known)
    if (request.method === 'pm_slow') await sleep(runtime, SLOW_MS)
    if (request.method === 'pm_flaky') {
      const failed = failures.get(request.key) ?? 0
      if (failed < FLAKY_FAILURES) {
        failures.set(request.key, failed + 1)
        return answer(exchange, 503, { error: 'try again' })
      }
      failures.delete(request.key)
    }
    const status = request.method === 'pm_declined' ? 'declined' : 'captured'
    const entry = await books.enter({ kind: 'charge', ...request, status })
    if (request.method === 'pm_lost') return // charged; the answer is lost on the way
    answer(exchange, 200, entry)
  }

  async function refund(exchange: Exchange, request: z.infer<typeof RefundRequest>): Promise<void> {
    const charged: Entry | undefined = await books.find(request.charge)
    const given = charged?.kind === 'charge' && charged.status === 'captured' && charged.amount >= request.amount
    if (!given) return answer(exchange, 409, { error: 'nothing to refund' })
    answer(exchange, 200, await books.enter({ kind: 'refund', ...request }))
  }
}

async function body(exchange: Exchange): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await exchange.readAll(MAX_BODY)))
}

function answer(exchange: Exchange, status: number, value: object): void {
  exchange.reply(status, ['content-type', 'application/json'], JSON.stringify(value))
}
