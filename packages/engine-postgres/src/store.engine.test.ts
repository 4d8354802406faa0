import { after, before } from 'node:test'
import pg from 'pg'
import { createRuntime } from 'trellis/kernel'
import type { Store } from 'trellis/store'
import { storeConformance } from 'trellis/testing/conformance'
import { type PostgresServer, startPostgres } from '../../../scripts/engines/postgres.ts'
import { openPostgres } from './postgres.ts'

let server: PostgresServer | undefined
let schemas = 0

before(async () => {
  server = await startPostgres()
})

after(() => server?.stop())

storeConformance('PostgreSQL', async () => {
  if (server === undefined) throw new Error('PostgreSQL did not start')
  const { url } = server
  const schema = `conformance_${++schemas}`
  const open: Store[] = []
  const openOne = async (): Promise<Store> => {
    const store = await openPostgres(createRuntime(), { url, schema })
    open.push(store)
    return store
  }
  const store = await openOne()
  return {
    store,
    another: openOne,
    async reopen() {
      await store[Symbol.asyncDispose]()
      return await openOne()
    },
    async dispose() {
      await Promise.all(open.map(one => one[Symbol.asyncDispose]()))
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(`drop schema ${schema} cascade`)
      await client.end()
    },
  }
})
