import { after, before } from 'node:test'
import pg from 'pg'
import { createRuntime } from 'trellis/kernel'
import type { Store } from 'trellis/store'
import { eventsConformance } from 'trellis/testing/conformance'
import { type PostgresServer, startPostgres } from '../../../scripts/engines/postgres.ts'
import { openPostgres } from './postgres.ts'

let server: PostgresServer | undefined
let schemas = 0

before(async () => {
  server = await startPostgres()
})

after(() => server?.stop())

eventsConformance('PostgreSQL', async () => {
  if (server === undefined) throw new Error('PostgreSQL did not start')
  const { url } = server
  const schema = `events_${++schemas}`
  const openOne = (): Promise<Store> => openPostgres(createRuntime(), { url, schema })
  let store = await openOne()
  return {
    store,
    another: openOne,
    async reopen() {
      await store[Symbol.asyncDispose]()
      store = await openOne()
      return store
    },
    async dispose() {
      await store[Symbol.asyncDispose]()
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(`drop schema ${schema} cascade`)
      await client.end()
    },
  }
})
