// `npm run check [-- PART...] [-- --update]`: format and lint, types, floors, exports, docs. Exit code 1 when something is to mend.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkDocs } from './check-docs.ts'
import { checkExports, updateExports } from './check-exports.ts'
import { checkFloors } from './check-floors.ts'
import { type Problem, readSources, type Source } from './source.ts'

const root = resolve(import.meta.dirname, '..')

/** What a part found: lines to print. None means that all is well. */
type Findings = readonly string[]

const parts: Readonly<Record<string, (update: boolean) => Promise<Findings>>> = {
  biome: () => run('@biomejs/biome/bin/biome', ['check', '--error-on-warnings']),
  types: () => run('typescript/bin/tsc', ['--noEmit', '--pretty', 'false', '-p', 'tsconfig.json']),
  declarations: () => run('typescript/bin/tsc', ['--pretty', 'false', '-p', 'tsconfig.packages.json']),
  floors: async () => print(checkFloors(root, sources())),
  exports: async update => {
    if (update) for (const path of updateExports(root, sources())) console.log(`rewrote ${path}`)
    return print(checkExports(root, sources()))
  },
  docs: async () => print(checkDocs(sources())),
}

/** Runs the named parts (all when none is named) and prints what they found; resolves to whether all is well. */
export async function check(names: readonly string[], update: boolean): Promise<boolean> {
  const chosen = names.length === 0 ? Object.keys(parts) : names
  const outcomes = await Promise.all(
    chosen.map(async name => {
      const started = performance.now()
      const findings = await parts[name]!(update)
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      console.log(`${findings.length === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(12)} ${seconds} s`)
      return findings
    }),
  )
  for (const line of outcomes.flat()) console.log(line)
  return outcomes.every(findings => findings.length === 0)
}

let parsed: readonly Source[] | undefined
function sources(): readonly Source[] {
  parsed ??= readSources(root)
  return parsed
}

function print(problems: readonly Problem[]): Findings {
  return problems.map(({ file, line, message }) => `${file}:${line} ${message}`)
}

/** Runs a tool of `node_modules` to its end. Its output is the finding when it fails, and goes unseen when it does not. */
async function run(tool: string, args: readonly string[]): Promise<Findings> {
  const path = join(root, 'node_modules', tool)
  if (!existsSync(path)) return [`${tool} is not in node_modules: run npm ci`]
  const child = spawn(process.execPath, [path, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', text => (output += text))
  child.stderr.setEncoding('utf8').on('data', text => (output += text))
  const code = await new Promise<number | null>(settle => child.once('close', settle))
  return code === 0 ? [] : output.trimEnd().split('\n')
}

if (import.meta.main) {
  const args = process.argv.slice(2)
  const names = args.filter(arg => !arg.startsWith('-'))
  const unknown = args.find(arg => (arg.startsWith('-') ? arg !== '--update' : !Object.hasOwn(parts, arg)))
  if (unknown !== undefined) {
    console.error(`check knows no "${unknown}". Parts: ${Object.keys(parts).join(', ')}. Option: --update`)
    process.exitCode = 1
  } else {
    process.exitCode = (await check(names, args.includes('--update'))) ? 0 : 1
  }
}
