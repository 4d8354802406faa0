// `npm run bench`: lists the benchmarks. `-- NAME...` runs some and prints a table each, `--json` one object a line; `all` runs all.
import { parseArgs } from 'node:util'
import { BENCHMARKS } from './benchmarks.ts'
import type { Benchmark, Row } from './harness.ts'
import { table } from './harness.ts'

const USAGE = 'Usage: npm run bench -- NAME... | all [--json]'

function fail(line: string): never {
  process.stderr.write(`${line}\n`)
  process.exit(2)
}

function read(): { names: readonly string[]; json: boolean } {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
    return { names: positionals, json: values.json === true }
  } catch (error) {
    return fail(`${(error as Error).message}\n${USAGE}`)
  }
}

function chosen(names: readonly string[]): readonly Benchmark[] {
  if (names.includes('all')) return BENCHMARKS
  return names.map(
    name =>
      BENCHMARKS.find(known => known.name === name) ??
      fail(`There is no benchmark "${name}"; npm run bench lists them.`),
  )
}

const { names, json } = read()
if (names.length === 0) {
  process.stdout.write(`${USAGE}\n\n`)
  for (const { name, about } of BENCHMARKS) process.stdout.write(`  ${name.padEnd(16)} ${about}\n`)
  process.exit(0)
}
let failed = false
for (const benchmark of chosen(names)) {
  const rows: Row[] = []
  if (!json) process.stdout.write(`${benchmark.name}: ${benchmark.about}\n`)
  try {
    for await (const found of benchmark.run()) {
      rows.push(found)
      if (json) process.stdout.write(`${JSON.stringify(found)}\n`)
    }
  } catch (error) {
    failed = true
    process.stderr.write(`${benchmark.name} failed: ${(error as Error).stack}\n`)
  }
  if (!json && rows.length > 0) process.stdout.write(`${table(rows)}\n\n`)
}
process.exit(failed ? 1 : 0)
