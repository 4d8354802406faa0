/**
 * A typed call to a service of the same process, with isolation, validation on both sides, authorisation, deadline and cancellation; against the same function with the two
 * zod parses alone. The figure is what the call costs beyond that.
 */
import { contract, unary } from 'trellis/contract'
import { createRuntime } from 'trellis/kernel'
import { createClient, createRpcServer, implement } from 'trellis/rpc'
import { createMemoryTransport } from 'trellis/rpc/memory'
import { authorize } from 'trellis/security'
import { z } from 'zod'
import type { Benchmark } from './harness.ts'
import { atMost, median, row } from './harness.ts'

const Item = z.object({ productId: z.string().min(1).max(64), quantity: z.int().min(1).max(1_000) })
const Input = z.object({ customerId: z.string().min(1).max(64), items: z.array(Item).max(100) })
const Output = z.object({ orderId: z.string(), items: z.int(), pieces: z.int(), express: z.boolean() })
const Orders = contract('bench.orders.v1.Orders', {
  place: unary({ summary: 'Place an order', input: Input, output: Output, allow: 'public' }),
})

const INPUT = {
  customerId: 'c-1234567',
  items: [
    { productId: 'p-001', quantity: 2 },
    { productId: 'p-002', quantity: 1 },
  ],
}
const CALLS = 40_000
const ROUNDS = 15

async function place({ items }: z.infer<typeof Input>): Promise<z.infer<typeof Output>> {
  let pieces = 0
  for (const { quantity } of items) pieces += quantity
  return { orderId: 'o-1', items: items.length, pieces, express: false }
}

export const call: Benchmark = {
  name: 'call',
  about: 'a typed in-process call, over the same function with the two zod parses alone',
  async *run() {
    const server = createRpcServer({ implementations: [implement(Orders, { place })], authorize: authorize() })
    const client = createClient(createRuntime(), Orders, { transport: createMemoryTransport([server]) })
    const typed = (): Promise<unknown> => client.place(INPUT)
    const parsed = async (): Promise<unknown> => Output.parse(await place(Input.parse(INPUT)))
    const ours: number[] = []
    const peers: number[] = []
    const cpus: number[] = []
    for (let round = -3; round < ROUNDS; round++) {
      const own = await microsEach(typed)
      const peer = await microsEach(parsed)
      if (round < 0) continue // warming up
      ours.push(own.wall)
      peers.push(peer.wall)
      cpus.push(own.cpu - peer.cpu)
    }
    const name = 'call'
    yield row(
      {
        name,
        work: 'typed in-process call, beyond the function with two zod parses',
        figure: median(ours.map((own, at) => own - (peers[at] as number))),
        unit: 'µs',
      },
      { bar: atMost(4) },
    )
    yield row({ name, work: 'the same in CPU time', figure: median(cpus), unit: 'µs' })
    yield row(
      { name, work: 'the whole call; peer: the function with two zod parses', figure: median(ours), unit: 'µs' },
      { peer: median(peers) },
    )
  },
}

async function microsEach(work: () => Promise<unknown>): Promise<{ wall: number; cpu: number }> {
  const before = process.cpuUsage()
  const began = performance.now()
  for (let index = 0; index < CALLS; index++) await work()
  const wall = ((performance.now() - began) * 1000) / CALLS
  const { user, system } = process.cpuUsage(before)
  return { wall, cpu: (user + system) / CALLS }
}
