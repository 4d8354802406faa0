import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkExports, updateExports } from './check-exports.ts'
import { readSources } from './source.ts'
import { makeTree } from './tree.ts'

const tree = {
  'packages/trellis/package.json': '{\n  "name": "trellis",\n  "exports": {},\n  "dependencies": {}\n}\n',
  'packages/trellis/src/kernel/index.ts':
    "export { chain, type Handler } from './handler.ts'\nexport type { A } from './a.ts'",
  'packages/trellis/src/store/sqlite/index.ts': "export { sqlite } from './sqlite.ts'",
}

/** The findings after the lists were written and then some files changed. */
function findingsAfter(changes: Readonly<Record<string, string>>): string[] {
  using before = makeTree(tree)
  updateExports(before.root, readSources(before.root))
  const written = Object.fromEntries(
    ['packages/trellis/package.json', 'packages/trellis/exports.txt'].map(path => [
      path,
      readFileSync(join(before.root, path), 'utf8'),
    ]),
  )
  using after = makeTree({ ...tree, ...written, ...changes })
  return checkExports(after.root, readSources(after.root)).map(
    ({ file, line, message }) => `${file}:${line} ${message}`,
  )
}

function assertSome(found: readonly string[], expected: RegExp): void {
  assert.ok(
    found.some(line => expected.test(line)),
    `none of these is ${expected}:\n${found.join('\n')}`,
  )
}

test('what was written down and has not changed is in order', () => {
  assert.deepEqual(findingsAfter({}), [])
})

test('the written list holds every subpath, its names sorted, types marked', () => {
  using made = makeTree(tree)
  assert.deepEqual(updateExports(made.root, readSources(made.root)), [
    'packages/trellis/exports.txt',
    'packages/trellis/package.json',
  ])
  assert.deepEqual(updateExports(made.root, readSources(made.root)), [], 'a second time changes nothing')
  assert.match(
    readFileSync(join(made.root, 'packages/trellis/exports.txt'), 'utf8'),
    /\n\.\/kernel\n {2}type A\n {2}type Handler\n {2}chain\n\n\.\/store\/sqlite\n {2}sqlite\n$/,
  )
  const { exports } = JSON.parse(readFileSync(join(made.root, 'packages/trellis/package.json'), 'utf8'))
  assert.deepEqual(Object.entries(exports['./store/sqlite']), [
    ['trellis-source', './src/store/sqlite/index.ts'],
    ['types', './dist/store/sqlite/index.d.ts'],
    ['default', './dist/store/sqlite/index.js'],
  ])
})

test('a name added to an index is refused until it is written down', () => {
  const found = findingsAfter({
    'packages/trellis/src/store/sqlite/index.ts': "export { sqlite, open } from './sqlite.ts'",
  })
  assert.equal(found.length, 1)
  assertSome(found, /exports\.txt:1 not written down: \.\/store\/sqlite open; .*--update/)
})

test('a name gone from an index is refused with its line in the list', () => {
  const found = findingsAfter({
    'packages/trellis/src/kernel/index.ts': "export { chain, type Handler } from './handler.ts'",
  })
  assertSome(found, /exports\.txt:4 no longer exported: \.\/kernel type A;/)
})

test('a new folder with an index is refused until the manifest names it', () => {
  const found = findingsAfter({ 'packages/trellis/src/rpc/index.ts': "export { call } from './call.ts'" })
  assertSome(found, /exports\.txt:1 not written down: \.\/rpc;/)
  assertSome(found, /package\.json:3 "exports" differs/)
})

test('conditions in another order are refused: the first that fits wins', () => {
  const turned = {
    './kernel': {
      default: './dist/kernel/index.js',
      'trellis-source': './src/kernel/index.ts',
      types: './dist/kernel/index.d.ts',
    },
  }
  const found = findingsAfter({ 'packages/trellis/package.json': JSON.stringify({ name: 'trellis', exports: turned }) })
  assertSome(found, /package\.json:\d+ "exports" differs/)
})

test('export * and a default export are refused', () => {
  assertSome(
    findingsAfter({ 'packages/trellis/src/kernel/index.ts': "\nexport * from './a.ts'" }),
    /index\.ts:2 export \*/,
  )
  assertSome(findingsAfter({ 'packages/trellis/src/kernel/a.ts': 'export default 1' }), /a\.ts:1 a default export/)
  assertSome(
    findingsAfter({ 'packages/trellis/src/kernel/a.ts': 'const a = 1\nexport { a as default }' }),
    /a\.ts:2 exports the name "default"/,
  )
})

test('an index that declares something is refused', () => {
  assertSome(
    findingsAfter({ 'packages/trellis/src/kernel/index.ts': 'export const a = 1' }),
    /index\.ts declares something/,
  )
})

test('entries of the manifest that stand for no index are kept', () => {
  using made = makeTree({ ...tree, 'packages/trellis/package.json': '{"exports":{"./package.json":"./package.json"}}' })
  updateExports(made.root, readSources(made.root))
  const { exports } = JSON.parse(readFileSync(join(made.root, 'packages/trellis/package.json'), 'utf8'))
  assert.deepEqual(Object.keys(exports), ['./kernel', './store/sqlite', './package.json'])
})

test('a private package offers nothing', () => {
  using made = makeTree({
    'packages/ui/package.json': '{"private":true}',
    'packages/ui/src/index.ts': "export { a } from './a.ts'",
  })
  assert.deepEqual(checkExports(made.root, readSources(made.root)), [])
})
