import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFloors } from './check-floors.ts'
import { readSources } from './source.ts'
import { makeTree } from './tree.ts'

/** What the check finds in a tree of files, as `file:line message`. */
function findings(files: Readonly<Record<string, string>>): string[] {
  using tree = makeTree(files)
  return checkFloors(tree.root, readSources(tree.root)).map(({ file, line, message }) => `${file}:${line} ${message}`)
}

/** What the check finds in one file of the core. */
function findingsIn(path: string, text: string): string[] {
  return findings({ [`packages/trellis/src/${path}`]: text })
}

function assertOne(found: readonly string[], expected: RegExp): void {
  assert.equal(found.length, 1, found.join('\n'))
  assert.match(found[0]!, expected)
}

test('an import from a lower floor and from the own folder is in order', () => {
  const found = findings({
    'packages/trellis/src/kernel/a.ts': 'export const a = 1',
    'packages/trellis/src/store/sqlite/b.ts':
      "import { a } from '../../kernel/a.ts'\nimport type { C } from '../c.ts'\nexport { a }",
    'packages/trellis/src/store/c.ts': 'export type C = 1',
  })
  assert.deepEqual(found, [])
})

test('an import from a higher floor is refused with its line, also when it is for a type alone', () => {
  const found = findings({
    'packages/trellis/src/kernel/a.ts': "\nimport type { B } from '../store/b.ts'\nexport const a = 1 as B",
    'packages/trellis/src/store/b.ts': 'export type B = number',
  })
  assertOne(found, /kernel\/a\.ts:2 kernel\/ \(floor 0\) imports store\/ \(floor 1\), a higher floor/)
})

test('an import from the same floor is refused, also as a re-export and as import()', () => {
  const wire = { 'packages/trellis/src/wire/b.ts': 'export const b = 1' }
  const expected = /store\/a\.ts:1 .* the same floor/
  assertOne(findings({ ...wire, 'packages/trellis/src/store/a.ts': "export { b } from '../wire/b.ts'" }), expected)
  assertOne(findings({ ...wire, 'packages/trellis/src/store/a.ts': "await import('../wire/b.ts')" }), expected)
})

test('no floor imports testing/, and a test may', () => {
  const testing = {
    'packages/trellis/src/testing/t.ts': "import '../kernel/k.ts'",
    'packages/trellis/src/kernel/k.ts': '',
  }
  const text = "import '../testing/t.ts'"
  assertOne(findings({ ...testing, 'packages/trellis/src/store/a.ts': text }), /imports testing\//)
  assert.deepEqual(findings({ ...testing, 'packages/trellis/src/store/a.test.ts': text }), [])
})

test('a folder on no floor, and a file outside every folder, are refused', () => {
  assertOne(findingsIn('utils/a.ts', ''), /utils\/ is on no floor/)
  assertOne(findingsIn('a.ts', ''), /outside every folder/)
})

test('a package that the core may not use is refused, and one that its manifest does not name', () => {
  const manifest = { 'packages/trellis/package.json': '{"dependencies":{"jose":"1"}}' }
  const within = (text: string) => findings({ ...manifest, 'packages/trellis/src/security/a.ts': text })
  assert.deepEqual(within("import 'jose/jwt/verify'"), [])
  assertOne(within("import 'pg'"), /imports pg, which the core may not use/)
  assertOne(within("import 'croner'"), /packages\/trellis\/package\.json does not name/)
  assertOne(within("import 'trellis/kernel'"), /itself/)
})

test('a package outside the core may use what its manifest names', () => {
  const manifest = { 'packages/engine-x/package.json': '{"dependencies":{"trellis":"1","x-sdk":"1"}}' }
  const text = "import 'trellis/store'\nimport 'x-sdk'\nimport 'y-sdk'"
  assertOne(findings({ ...manifest, 'packages/engine-x/src/a.ts': text }), /a\.ts:3 imports y-sdk/)
})

test('a relative import past the edge of its package is refused', () => {
  const core = { 'packages/trellis/src/kernel/a.ts': '' }
  assertOne(findings({ ...core, 'packages/cli/src/b.ts': "import '../../trellis/src/kernel/a.ts'" }), /past the edge/)
  assertOne(
    findings({ ...core, 'examples/shop/b.ts': "import '../../packages/trellis/src/kernel/a.ts'" }),
    /past the edge/,
  )
})

test('files that import in a circle are refused once, with the whole way', () => {
  const found = findings({
    'packages/trellis/src/kernel/a.ts': "import './b.ts'",
    'packages/trellis/src/kernel/b.ts': "import './c.ts'",
    'packages/trellis/src/kernel/c.ts': "import './a.ts'\nimport './d.ts'",
    'packages/trellis/src/kernel/d.ts': '',
  })
  assertOne(found, /kernel\/a\.ts:1 imports in a circle: \S+a\.ts → \S+b\.ts → \S+c\.ts → \S+a\.ts;/)
})

test('tests that import in a circle are refused too', () => {
  assertOne(
    findings({ 'examples/x/a.test.ts': "import './b.test.ts'", 'examples/x/b.test.ts': "import './a.test.ts'" }),
    /circle/,
  )
})

test('folders side by side that import in a circle are refused, though no files do', () => {
  const found = findings({
    'packages/cli/src/left/a.ts': "import '../right/b.ts'",
    'packages/cli/src/right/b.ts': '',
    'packages/cli/src/right/c.ts': "\nimport '../left/d.ts'",
    'packages/cli/src/left/d.ts': '',
  })
  assertOne(found, /left\/a\.ts:1 folders import in a circle: packages\/cli\/src\/left → packages\/cli\/src\/right → /)
})

test('two services of an example may import the contracts of each other', () => {
  const found = findings({
    'examples/shop/orders/contract.ts': '',
    'examples/shop/orders/service.ts': "import '../payments/contract.ts'",
    'examples/shop/payments/contract.ts': '',
    'examples/shop/payments/service.ts': "import '../orders/contract.ts'",
  })
  assert.deepEqual(found, [])
})

test('a folder and one inside it may need each other', () => {
  const found = findings({
    'packages/trellis/src/store/open.ts': "import './sqlite/a.ts'",
    'packages/trellis/src/store/sqlite/a.ts': "import '../store.ts'",
    'packages/trellis/src/store/store.ts': '',
  })
  assert.deepEqual(found, [])
})

const reaches = [
  'Date.now()',
  'new Date()',
  'Date()',
  'performance.now()',
  'Math.random()',
  'const { random } = Math',
  "Math['random']()",
  'globalThis.Math.random()',
  'setTimeout(() => 1, 1)',
  'const later = { setTimeout }',
  'globalThis.setInterval',
  'setImmediate(console.log)',
  'crypto.randomUUID()',
  'crypto.getRandomValues(bytes)',
  "import { randomBytes } from 'node:crypto'",
  "import * as c from 'node:crypto'\nc.randomInt(3)",
  'process.hrtime.bigint()',
  'AbortSignal.timeout(5)',
  "fetch('x')",
  "import { performance } from 'node:perf_hooks'\nperformance.now()",
  "import 'node:fs'",
  "import 'fs'",
  "import 'node:fs/promises'",
  "import type { Socket } from 'node:net'",
  "import 'node:tls'",
  "import 'node:dgram'",
  "import 'node:dns'",
  "import 'node:http'",
  "import 'node:http2'",
  "import 'node:timers/promises'",
  "import 'node:sqlite'",
  "await import('node:child_process')",
  "import 'node:worker_threads'",
]
for (const text of reaches) {
  test(`the core may not reach the world by ${text.replace('\n', '; ')}`, () => {
    assertOne(findingsIn('rpc/a.ts', text), /rpc\/a\.ts:\d uses .*from the Runtime/)
  })
}

const harmless = [
  'new Date(5)',
  'Math.max(1, 2)',
  'runtime.setTimeout(1)',
  'interface T { setTimeout(ms: number): void }',
  'type Timer = ReturnType<typeof setTimeout>',
  'const o = { setTimeout: 1, now: 2 }',
  'class T { setTimeout() {} }',
  'function wait({ setTimeout }: Timers) { setTimeout(1) }',
  "import { createHash } from 'node:crypto'\ncreateHash('x')",
  'clock.now()',
  "import { setTimeout } from './timers.ts'\nsetTimeout(1)",
  '// Date.now() and setTimeout',
  "const text = 'Math.random()'",
]
for (const text of harmless) {
  test(`the core may write ${text.replace('\n', '; ')}`, () => {
    assert.deepEqual(findingsIn('rpc/a.ts', text), [])
  })
}

test('the Runtime, testing/ and tests may reach the world', () => {
  const text = "import 'node:net'\nexport const now = () => Date.now() + Math.random()"
  for (const path of [
    'kernel/runtime.ts',
    'kernel/runtime-net.ts',
    'testing/clock.ts',
    'rpc/a.test.ts',
    'rpc/a.test-process.ts',
  ]) {
    assert.deepEqual(findingsIn(path, text), [], path)
  }
  assert.notDeepEqual(findingsIn('kernel/deadline.ts', text), [])
})

test('an exception holds in its folder and for its use alone', () => {
  assert.deepEqual(findingsIn('store/sqlite/a.ts', "import 'node:sqlite'"), [])
  assertOne(findingsIn('store/a.ts', "import 'node:sqlite'"), /node:sqlite/)
  assertOne(findingsIn('store/sqlite/a.ts', 'Date.now()'), /Date\.now/)
  assert.deepEqual(findingsIn('wire/a.ts', "import 'node:http'"), [])
  assertOne(findingsIn('wire/a.ts', "import 'node:net'"), /node:net/)
})
