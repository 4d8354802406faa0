/** Runs the real command as a child process, on systems in folders that go away with the test. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '../../..')
const main = join(import.meta.dirname, 'main.ts')

/** The hello example. */
export const HELLO = join(root, 'examples', 'hello', 'system.ts')

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder in which systems can be written that import the platform. */
export interface Place extends Disposable {
  readonly folder: string
  /** Writes files, by their path below the folder. */
  write(files: Readonly<Record<string, string>>): void
  /** Runs a command to its end; `input` is its stdin. */
  run(args: readonly string[], options?: { readonly env?: NodeJS.ProcessEnv; readonly input?: string }): Promise<Ended>
  /** Runs a command that stays. */
  stay(args: readonly string[], env?: NodeJS.ProcessEnv): Started
  /** The same, up to its first line. */
  start(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Started>
}

/** A command that stays. */
export interface Started extends AsyncDisposable {
  readonly process: ChildProcess
  /** Lines of stdout so far. */
  readonly lines: readonly string[]
  /** Resolves with the first line that `test` accepts; rejects when the command ends before. */
  line(test: RegExp): Promise<string>
  /** How it ended. */
  readonly ended: Promise<Ended>
}

/** Makes a place. */
export function place(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-cli-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  return {
    folder,
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
    },
    async run(args, { env = {}, input } = {}) {
      const child = launch(folder, args, env)
      child.stdin?.end(input ?? '')
      return ending(child)
    },
    stay: (args, env = {}) => follow(launch(folder, args, env)),
    async start(args, env = {}) {
      const started = this.stay(args, env)
      await started.line(/./)
      return started
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  }
}

function launch(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, ['--conditions=trellis-source', main, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

async function ending(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

function follow(child: ChildProcess): Started {
  const ended = ending(child)
  const lines: string[] = []
  let heard = Promise.withResolvers<void>()
  createInterface({ input: child.stdout! }).on('line', line => {
    lines.push(line)
    heard.resolve()
    heard = Promise.withResolvers()
  })
  const gone = ended.then(({ code, stderr }) => {
    throw new Error(`it ended with ${code} before that line: ${stderr}`)
  })
  gone.catch(() => undefined) // whoever waits for a line hears of it
  return {
    process: child,
    lines,
    async line(test) {
      for (let seen = 0; ; ) {
        for (; seen < lines.length; seen++) if (test.test(lines[seen]!)) return lines[seen]!
        await Promise.race([heard.promise, gone])
      }
    },
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
    },
  }
}

/** What `dev --json` says once it is ready. */
export interface Ready {
  readonly system: string
  readonly url: string
  readonly folder: string
  readonly pid: number
  readonly processes: readonly { readonly name: string; readonly pid: number }[]
  readonly notices: readonly { readonly service: string; readonly text: string; readonly secret: boolean }[]
}

/** Starts `dev` on a free port, and waits until it is ready. */
export async function dev(at: Place, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Started & Ready> {
  const started = await at.start(['dev', ...args, '--port', '0', '--json'], env)
  return Object.assign(started, JSON.parse(started.lines[0]!) as Ready)
}

/** A system with what the commands look into: events and a projection, an operation for services alone, a stream, and a consumer that fails until a file is there. */
export const LEDGER = `
import { existsSync } from 'node:fs'
import { contract, event, serverStream, unary } from 'trellis/contract'
import { aggregate, projection } from 'trellis/events'
import { expose } from 'trellis/gateway'
import { Fault } from 'trellis/kernel'
import { implement, on, service } from 'trellis/service'
import { system } from 'trellis/system'
import { z } from 'zod'

const Entry = z.object({ account: z.string().min(1), amount: z.int32() })
const Total = z.object({ account: z.string(), total: z.int32() })
const Ledger = contract('ledger.v1.Ledger', {
  enter: unary({ summary: 'Enters an amount', input: Entry, output: Total, http: 'POST /entries', allow: 'public', idempotent: 'key' }),
  total: unary({ input: z.object({ account: z.string() }), output: Total, http: 'GET /totals/{account}', allow: 'public' }),
  totals: serverStream({ input: z.object({}), output: Total, http: 'GET /totals', allow: 'public' }),
  hang: unary({ input: z.object({}), output: z.object({}), http: 'POST /hang', allow: 'public', timeoutMs: 60_000 }),
  count: unary({ input: z.object({}), output: z.object({ accounts: z.int32() }), allow: 'internal' }),
})
const Entered = event('ledger.entered.v1', Entry)
const Account = aggregate({
  name: 'account',
  events: { Entered: z.object({ amount: z.int32() }) },
  starts: ['Entered'],
  initialState: () => ({ total: 0 }),
  decide: (command: { amount: number }) => ({ type: 'Entered' as const, data: { amount: command.amount } }),
  evolve: (state, event) => ({ total: state.total + event.data.amount }),
})
const totals = projection('totals', {
  from: [Account],
  tables: { total: (table, { types }) => [\`create table \${table} (account \${types.key} primary key, total \${types.integer} not null)\`] },
  async apply(event, tx, { total }) {
    const row = await tx.get<{ total: number }>(\`select total from \${total} where account = ?\`, event.aggregateId)
    await tx.run(tx.dialect.upsert(total!, ['account'], ['account', 'total']), event.aggregateId, (row?.total ?? 0) + event.data.amount)
  },
})
const ledger = service('ledger', {
  capability: 'book-keeping',
  owns: ['entry'],
  publishes: [Entered],
  projections: [totals],
  start: async ctx => {
    ctx.notice('an account: main')
    ctx.notice('a password: open sesame', { secret: true })
  },
  provides: [
    implement(Ledger, {
      enter: ({ account, amount }, ctx) =>
        ctx.transaction(async tx => {
          const { state } = await tx.aggregate(Account, account).execute({ amount })
          await tx.publish(Entered, { account, amount }, { key: account })
          return { account, total: state.total }
        }),
      async total({ account }, ctx) {
        const row = await ctx.read.get<{ total: number }>('select total from total where account = ?', account)
        return { account, total: row?.total ?? 0 }
      },
      async *totals(_, ctx) {
        yield* await ctx.read.all<{ account: string; total: number }>('select account, total from total order by account')
      },
      async hang(_, ctx) {
        ctx.log('warn', 'it hangs')
        await new Promise(() => undefined)
        return {}
      },
      async count(_, ctx) {
        return { accounts: (await ctx.read.all('select account from total')).length }
      },
    }),
  ],
})
const auditor = service('auditor', {
  capability: 'auditing',
  owns: ['audit'],
  consumes: [
    on(Entered, async (_, ctx) => {
      if (!existsSync(ctx.setting('LEDGER_MENDED') ?? '')) throw new Fault('failed_precondition', 'The auditor is on strike.', { reason: 'ON_STRIKE' })
    }),
  ],
})

export default system('ledger', { services: [ledger, auditor], gateway: { title: 'Ledger', routes: [expose(Ledger)] } })
`
