/** All benchmarks, in the order in which `all` runs them. */
import { broker } from './broker.ts'
import { call } from './call.ts'
import type { Benchmark } from './harness.ts'
import { latency } from './latency.ts'
import { orders } from './orders.ts'
import { products, productsSplit } from './products.ts'
import { start, startSplit } from './start.ts'
import { store } from './store.ts'

export const BENCHMARKS: readonly Benchmark[] = [
  start,
  startSplit,
  products,
  productsSplit,
  orders,
  store,
  broker,
  latency,
  call,
]
