// The handling service of the latency benchmark in a process of its own: says that it is ready, then how long each message took.
import { openBroker, openConsumer } from './whole-way.ts'

const [folder = ''] = process.argv.slice(2)
/** Told a few at a time, so that telling does not slow down what is told of. */
const TELL_EVERY_MS = 100

const stack = new AsyncDisposableStack()
let times: number[] = []
await openConsumer(folder, await openBroker(folder, stack), stack, { arrived: afterMs => void times.push(afterMs) })
setInterval(() => {
  if (times.length === 0) return
  process.send?.(times)
  times = []
}, TELL_EVERY_MS)
process.send?.('ready')
