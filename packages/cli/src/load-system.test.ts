import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { place } from './cli.test-fixture.ts'

const here = place()
after(() => here[Symbol.dispose]())

async function fails(file: string, text: string, says: RegExp): Promise<void> {
  here.write({ [file]: text })
  const { code, stdout, stderr } = await here.run(['check', file])
  assert.match(stderr, says)
  assert.deepEqual([code, stdout], [1, ''])
}

test('names the file that is not there, and what to do', async () => {
  const byDefault = await here.run(['check'])
  assert.equal(byDefault.code, 1)
  assert.match(byDefault.stderr, /^There is no \S+system\.ts\. Name the file of your system, or go to its folder\.\n$/)
  const named = await here.run(['check', 'shop.ts'])
  assert.match(named.stderr, /^There is no \S+shop\.ts\. Check the path; it is taken from this folder\.\n$/)
})

test('says what a file without a system lacks', () =>
  fails('empty.ts', 'export const x = 1', /^\S+empty\.ts declares no system; let it end with: export default system/))

test('a default export of another kind is no system', () =>
  fails('other.ts', `export default { name: 'x', services: [1], companions: [] }`, /declares no system/))

test('says which import is missing', () =>
  fails(
    'missing.ts',
    `import 'no-such-package'\nexport default 1`,
    /^\S+missing\.ts can't be loaded: Cannot find package 'no-such-package'.*Mend the import/,
  ))

test('what the file itself throws is shown with the place', () =>
  fails(
    'throws.ts',
    `import { contract } from 'trellis/contract'\nexport default contract('bad', {})`,
    /'bad' does not name a contract[\s\S]*throws\.ts:2/,
  ))
