import { transportConformance } from '../../testing/conformance/transport.ts'
import { createMemoryTransport } from './transport.ts'

transportConformance('memory', async (_runtime, server) => ({
  transport: createMemoryTransport([server]),
  dispose: async () => undefined,
}))
