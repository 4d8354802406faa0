#!/usr/bin/env node
// The command. Everything else is imported once the Node is known to understand it.
import module from 'node:module'
import { tooOld } from './node-version.ts'

const refusal = tooOld(process.versions.node)
if (refusal === undefined) {
  module.enableCompileCache?.()
  const { runCli } = await import('./cli.ts')
  const code = await runCli(process.argv.slice(2))
  process.exitCode = code
  // What a system leaves open must not hold the terminal; what was printed must still get out.
  process.stdout.write('', () => process.exit(code))
} else {
  process.stderr.write(`${refusal}\n`)
  process.exitCode = 1
}
