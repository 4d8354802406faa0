// The process that the store benchmark loads: told what to do for how long, it answers with the rate. Meanwhile it answers pings.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createRuntime } from 'trellis/kernel'
import { openSqlite } from 'trellis/store/sqlite'

/** What the process can do. */
export type StoreWork = '64 at a time' | '64 at a time, FULL' | 'one at a time' | 'write + fdatasync'

const [folder = ''] = process.argv.slice(2)
const TABLES = [
  'create table account (id text primary key, balance integer not null)',
  'create table entry (number integer primary key, account text not null, amount integer not null, note text not null)',
  'create table mark (id text primary key, at integer not null)',
]
const READ = 'select balance from account where id = ?'
const INSERT_ENTRY = 'insert into entry (account, amount, note) values (?, ?, ?)'
const INSERT_MARK = 'insert into mark (id, at) values (?, ?)'
const ACCOUNTS = 1_000
const NOTE = 'n'.repeat(80)
let made = 0

const store = await openSqlite(createRuntime(), { path: join(folder, 'ours.db') })
await store.migrate('bench', [{ name: '001', statements: () => TABLES }])
await store.transaction(async tx => {
  for (let index = 0; index < ACCOUNTS; index++)
    await tx.run('insert into account (id, balance) values (?, ?)', `a-${index}`, index)
})

const full = new DatabaseSync(join(folder, 'full.db'))
full.exec('pragma journal_mode = wal; pragma synchronous = full')
for (const table of TABLES) full.exec(table)
for (let index = 0; index < ACCOUNTS; index++)
  full.prepare('insert into account values (?, ?)').run(`a-${index}`, index)
const statements = { begin: 'begin immediate', read: READ, entry: INSERT_ENTRY, mark: INSERT_MARK, commit: 'commit' }
const { begin, read, entry, mark, commit } = Object.fromEntries(
  Object.entries(statements).map(([name, text]) => [name, full.prepare(text)]),
) as Record<keyof typeof statements, ReturnType<DatabaseSync['prepare']>>

function transact(): Promise<void> {
  const number = made++
  return store.transaction(async tx => {
    const account = await tx.get<{ balance: number }>(READ, `a-${number % ACCOUNTS}`)
    await tx.run(INSERT_ENTRY, `a-${number % ACCOUNTS}`, account?.balance ?? 0, NOTE)
    await tx.run(INSERT_MARK, `m-${number}`, number)
  })
}

/** The same on the same SQLite, with the flush of each commit left to it. */
function transactFull(): void {
  const number = made++
  begin.run()
  const account = read.get(`a-${number % ACCOUNTS}`) as { balance: number } | undefined
  entry.run(`a-${number % ACCOUNTS}`, account?.balance ?? 0, NOTE)
  mark.run(`m-${number}`, number)
  commit.run()
}

const WORK: Readonly<Record<StoreWork, (until: number) => Promise<number>>> = {
  '64 at a time': async until => {
    let done = 0
    const worker = async (): Promise<void> => {
      for (; performance.now() < until; done++) await transact()
    }
    await Promise.all(Array.from({ length: 64 }, worker))
    return done
  },
  'one at a time': async until => {
    let done = 0
    for (; performance.now() < until; done++) await transact()
    return done
  },
  '64 at a time, FULL': async until => {
    let done = 0
    for (; performance.now() < until; done++) transactFull()
    return done
  },
  // A page a time, over and over the same 16 MiB: what a write-ahead log does to the disk.
  'write + fdatasync': async until => {
    const page = new Uint8Array(4_096).fill(7)
    const file = openSync(join(folder, 'bare'), 'w')
    let done = 0
    for (; performance.now() < until; done++) {
      writeSync(file, page, 0, page.byteLength, (done % 4_096) * page.byteLength)
      fdatasyncSync(file)
    }
    closeSync(file)
    return done
  },
}

process.on('message', async ({ kind, ms }: { readonly kind: StoreWork; readonly ms: number }) => {
  const began = performance.now()
  const done = await WORK[kind](began + ms)
  process.send?.((done / (performance.now() - began)) * 1000)
})

const server = createServer((_, response) => response.end('here'))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0)
})
