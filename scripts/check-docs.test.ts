import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDocs } from './check-docs.ts'
import { readSources } from './source.ts'
import { makeTree } from './tree.ts'

function findingsIn(text: string, path = 'packages/trellis/src/kernel/a.ts'): string[] {
  using tree = makeTree({ [path]: text })
  return checkDocs(readSources(tree.root)).map(({ line, message }) => `${line} ${message.split(' ', 1)}`)
}

test('each form of export without a doc comment is named with its line', () => {
  const text = [
    'export const a = 1',
    'export function b() {}',
    'export class C {}',
    'export interface D {}',
    'export type E = 1',
    'const f = 1',
    'export { f }',
    'export const g = 1, h = 2',
  ].join('\n')
  assert.deepEqual(findingsIn(text), ['1 a', '2 b', '3 C', '4 D', '5 E', '8 g', '8 h', '6 f'])
})

test('a doc comment, of one line or many, is found', () => {
  assert.deepEqual(findingsIn('/** One. */\nexport const a = 1\n\n/**\n * Two.\n */\nexport function b() {}'), [])
  assert.deepEqual(findingsIn('/** One. */\nconst a = 1\nexport { a }'), [])
})

test('a line comment may stand between', () => {
  assert.deepEqual(findingsIn('/** One. */\n// biome-ignore lint: because\nexport const a = 1'), [])
})

test('an empty comment, a plain comment, and one that belongs to something else do not count', () => {
  assert.deepEqual(findingsIn('/** */\nexport const a = 1'), ['2 a'])
  assert.deepEqual(findingsIn('/* One. */\nexport const a = 1'), ['2 a'])
  assert.deepEqual(findingsIn('/** One. */\nconst a = 1\nexport const b = a'), ['3 b'])
})

test('one documented signature speaks for its overloads', () => {
  assert.deepEqual(findingsIn('/** One. */\nexport function a(): void\nexport function a(b?: 1): void {}'), [])
})

test('re-exports and tests need none', () => {
  assert.deepEqual(findingsIn("export { a } from './b.ts'\nexport type { C } from './b.ts'"), [])
  assert.deepEqual(findingsIn('export const a = 1', 'packages/trellis/src/kernel/a.test.ts'), [])
})
