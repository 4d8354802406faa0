import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testFiles } from './test.ts'

test('the unit suite holds this file and leaves out what needs an engine', () => {
  const files = testFiles('unit', [])
  assert.ok(files.includes('scripts/test.test.ts'))
  assert.ok(!files.includes('scripts/engines/postgres.engine.test.ts'))
  assert.deepEqual(testFiles('engine', ['scripts']), ['scripts/engines/postgres.engine.test.ts'])
})

test('a path narrows a suite to a file or a folder, not to names that begin alike', () => {
  assert.deepEqual(testFiles('unit', ['scripts/test.test.ts']), ['scripts/test.test.ts'])
  assert.deepEqual(testFiles('unit', ['script']), [])
  assert.ok(testFiles('unit', ['scripts']).every(path => path.startsWith('scripts/')))
})
