// `npm test` and its sisters: `test.ts SUITE [PATH...] [--option...]`. A path (a file, a folder) narrows the run to the tests
// under it; an option goes to `node --test`. The runner's own summary comes last.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { check } from './check.ts'
import { listFiles } from './source.ts'

const root = resolve(import.meta.dirname, '..')

/** The suites that need more than npm packages, by the word before `.test.ts`. Everything else is `unit`. */
const special = ['engine', 'browser', 'tools'] as const

/** Long enough for the slowest file on a slow machine; without it a test that never ends would hold the run for ever. */
const timeoutMs = 240_000

/** The test files of a suite, under the given paths when there are any. */
export function testFiles(suite: string, under: readonly string[]): string[] {
  const all = ['packages', 'examples', 'scripts', 'bench', 'docs'].flatMap(folder =>
    listFiles(root, folder, ['.test.ts']),
  )
  const ofSuite = all.filter(path => suite === (special.find(word => path.endsWith(`.${word}.test.ts`)) ?? 'unit'))
  if (under.length === 0) return ofSuite
  return ofSuite.filter(path => under.some(place => place === '' || path === place || path.startsWith(`${place}/`)))
}

async function main([suite = 'unit', ...args]: readonly string[]): Promise<number> {
  const options = args.filter(arg => arg.startsWith('-'))
  const paths = args.filter(arg => !arg.startsWith('-'))
  const under = paths.map(path => relative(root, resolve(path)).split(sep).join('/'))
  const files = testFiles(suite, under)
  if (files.length === 0) {
    const ending = suite === 'unit' ? '*.test.ts' : `*.${suite}.test.ts`
    console.error(
      `No ${ending} ${paths.length === 0 ? 'in packages, examples and scripts' : `under ${paths.join(' ')}`}.`,
    )
    return 1
  }
  const isWell = suite !== 'unit' || paths.length > 0 || (await check([], false))
  const code = await run(files, options)
  if (!isWell) console.error('\nThe check failed: its findings stand above the tests.')
  return isWell ? code : code || 1
}

async function run(files: readonly string[], options: readonly string[]): Promise<number> {
  // At least two at a time: the runner's default on two cores is one.
  const concurrency = Math.max(2, availableParallelism())
  const args = ['--test', `--test-concurrency=${concurrency}`, `--test-timeout=${timeoutMs}`, ...options]
  const child = spawn(process.execPath, [...process.execArgv, ...args, ...files.map(file => join(root, file))], {
    cwd: root,
    stdio: 'inherit',
  })
  // Ctrl-C reaches the runner by itself; a signal to this process alone goes on to it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((settle, fail) => {
    child.once('error', fail)
    child.once('exit', code => settle(code ?? 1))
  })
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
