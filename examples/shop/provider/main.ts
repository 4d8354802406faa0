// The provider as a process: PORT says where it listens, DATA where it keeps its log.
import { join } from 'node:path'
import { createRuntime } from 'trellis/kernel'
import { createHttpServer } from 'trellis/wire/http1'
import { Books } from './charges.ts'
import { createProvider } from './server.ts'

const { PORT, DATA, TRELLIS_TIME_SCALE, TRELLIS_TIME_ANCHOR } = process.env
if (PORT === undefined || DATA === undefined) throw new TypeError('PORT and DATA must be set.')
const runtime = createRuntime({
  ...(TRELLIS_TIME_SCALE === undefined ? {} : { timeScale: Number(TRELLIS_TIME_SCALE) }),
  ...(TRELLIS_TIME_ANCHOR === undefined ? {} : { anchorMs: Number(TRELLIS_TIME_ANCHOR) }),
})
await runtime.fs.makeFolder(DATA)
const books = await Books.open(runtime, join(DATA, 'provider.log'))
// Started again, it reads the books as they are on disk.
books.failed.catch((error: unknown) => {
  console.error(JSON.stringify({ level: 'error', message: `the books cannot be written: ${(error as Error).message}` }))
  process.exit(1)
})
const server = createHttpServer(runtime, { handler: createProvider(runtime, books) })
await server.listen({ host: '127.0.0.1', port: Number(PORT) })
console.log(JSON.stringify({ level: 'info', message: 'the payment provider listens', port: Number(PORT) }))

async function stop(): Promise<void> {
  await server.close({ graceMs: 1_000 })
  await books[Symbol.asyncDispose]()
  process.exit(0)
}

process.on('SIGINT', () => undefined) // whoever started this decides
process.once('SIGTERM', stop)
process.once('disconnect', stop) // whoever started this has died
