/** What happened to an order: as a list, and live. */
import type { RecordedEvent } from 'trellis/events'
import { readEvents } from 'trellis/events'
import type { ServiceContext } from 'trellis/service'
import type { z } from 'zod'
import type { RecordedEvent as HistoryEntry, OrderChange, OrderStatus } from './contract.ts'
import type { OrderEvent } from './order.ts'
import { evolve, initialState, OrderAggregate } from './order.ts'
import type { ListedOrder } from './order-list.ts'

type Change = z.infer<typeof OrderChange>

/** The events of an order behind a version, oldest first. */
export async function historyOf(
  orderId: string,
  after: number,
  limit: number,
  ctx: ServiceContext,
): Promise<z.infer<typeof HistoryEntry>[]> {
  const events = await readEvents(ctx.read, OrderAggregate, orderId, { after, limit })
  return events.map(event => ({
    eventId: event.eventId,
    type: event.type,
    aggregateId: event.aggregateId,
    version: event.version,
    timestamp: new Date(event.timestamp).toISOString(),
    correlationId: event.correlationId,
    causationId: event.causationId,
    actor: event.actor,
    data: event.data,
  }))
}

const isFinal = (status: OrderStatus): boolean => status === 'confirmed' || status === 'cancelled'

/** The order now, then each change as it happens, until a final state. After `lastEventId` only what came since. */
export async function* changesOf(
  { order, version }: ListedOrder,
  lastEventId: string | undefined,
  ctx: ServiceContext,
): AsyncGenerator<Change> {
  const known = Number(lastEventId ?? Number.NaN)
  const resumed = Number.isSafeInteger(known) && known >= 0 && known <= version
  if (!resumed) yield { type: 'snapshot', version, status: order.status, event: { ...order } }
  const seen = resumed ? known : version
  let state = (await readEvents(ctx.read, OrderAggregate, order.id, { limit: seen })).reduce(
    evolve,
    initialState(order.id),
  )
  if (state.status !== 'none' && isFinal(state.status)) return
  for await (const event of ctx.changes(OrderAggregate, order.id, seen)) {
    state = evolve(state, event)
    yield toChange(event, state.status as OrderStatus)
    // A confirmed order can still be cancelled by the shop; whoever waits for the outcome has it with the first final state.
    if (isFinal(state.status as OrderStatus)) return
  }
}

function toChange(event: RecordedEvent<OrderEvent>, status: OrderStatus): Change {
  return { type: event.type, version: event.version, status, event: { ...event.data } }
}
