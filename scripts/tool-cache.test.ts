import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTree } from './tree.ts'

/** Asks for promtool in a process whose cache and PATH are those given. */
function require(env: Readonly<Record<string, string>>): { status: number | null; stdout: string; stderr: string } {
  const url = JSON.stringify(new URL('./tool-cache.ts', import.meta.url).href)
  const program = `const { requireTool } = await import(${url}); console.log(requireTool('promtool', 'the page of metrics'))`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env,
  })
  return { status, stdout: stdout.trim(), stderr }
}

test('a tool comes from the cache before PATH', () => {
  using tree = makeTree({ 'cache/bin/promtool': '', 'path/promtool': '' })
  const [cached, onPath] = [join(tree.root, 'cache', 'bin', 'promtool'), join(tree.root, 'path', 'promtool')]
  chmodSync(onPath, 0o755)
  const env = { TRELLIS_TOOLS: join(tree.root, 'cache'), PATH: join(tree.root, 'path') }
  assert.equal(require(env).stdout, onPath, 'one that may not be run is none')
  chmodSync(cached, 0o755)
  assert.equal(require(env).stdout, cached)
})

test('a missing tool gives one line that says what is not run and how to get it', () => {
  const { status, stdout, stderr } = require({ TRELLIS_TOOLS: '/nowhere', PATH: '' })
  assert.deepEqual([status, stdout], [0, 'undefined'])
  assert.equal(stderr, 'not run: the page of metrics. promtool is missing; get it with npm run tools -- promtool\n')
})

test('a missing tool is a failure where nothing may be left out', () => {
  const { status, stderr } = require({ TRELLIS_TOOLS: '/nowhere', PATH: '', TRELLIS_REQUIRE: 'all' })
  assert.equal(status, 1)
  assert.match(stderr, /promtool is missing/)
})
