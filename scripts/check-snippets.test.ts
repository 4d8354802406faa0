import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { compileSnippets, isRun, type Prepared, prepare, runSnippet } from './check-snippets.ts'
import { snippetsOf } from './snippets.ts'
import { makeTree } from './tree.ts'

const repository = resolve(import.meta.dirname, '..')

function fence(info: string, text: string): string {
  return `\`\`\`${info}\n${text}\n\`\`\`\n`
}

function prepared(pages: Readonly<Record<string, string>>): Prepared & Disposable {
  const tree = makeTree({ 'tsconfig.base.json': `{ "extends": "${repository}/tsconfig.base.json" }`, ...pages })
  symlinkSync(join(repository, 'node_modules'), join(tree.root, 'node_modules'))
  const made = prepare(
    tree.root,
    Object.keys(pages).filter(path => path.endsWith('.md')),
  )
  const dispose = (): void => {
    made[Symbol.dispose]()
    tree[Symbol.dispose]()
  }
  return { ...made, [Symbol.dispose]: dispose }
}

test('finds the blocks of a page with their place and their words', () => {
  const page = `# Title\n\n${fence('ts file=a.ts', 'export const a = 1')}\ntext\n${fence('', 'nothing')}`
  const [first, second] = snippetsOf('docs/page.md', page)
  assert.equal(first?.line, 4)
  assert.equal(first?.file, 'a.ts')
  assert.equal(first?.text, 'export const a = 1\n')
  assert.equal(second?.language, '')
})

test('a block that never ends and a word that says nothing are named with their place', () => {
  assert.throws(() => snippetsOf('p.md', '\n```ts\nlet a'), /p\.md:2 .*no end/)
  assert.throws(() => snippetsOf('p.md', fence('ts norun', '')), /p\.md:1 "norun" says nothing/)
  assert.throws(() => snippetsOf('p.md', fence('text output', '1')), /p\.md:1 no block prints this/)
})

test('a mistake of type is reported at its line of the page', async () => {
  using pages = prepared({ 'docs/page.md': `one\n\n${fence('ts', "const a: number = 'text'\nconsole.log(a)")}` })
  const [problem, ...others] = await compileSnippets(pages)
  assert.deepEqual([problem?.file, problem?.line, others.length], ['docs/page.md', 4, 0])
  assert.match(problem?.message ?? '', /not assignable/)
})

test('a block imports what another of its page keeps, and prints what the page says', async () => {
  const page = `${fence('ts file=a.ts', 'export const a = 41')}${fence('ts', "import { a } from './a.ts'\nconsole.log(a + 1)")}${fence('text output', '42')}`
  using pages = prepared({ 'page.md': page })
  assert.deepEqual(await compileSnippets(pages), [])
  const [kept, run] = pages.snippets
  assert.deepEqual([isRun(kept!), isRun(run!)], [false, true])
  assert.deepEqual(await runSnippet(pages, run!), [])
  const [problem] = await runSnippet(pages, { ...run!, output: '43\n' })
  assert.match(problem?.message ?? '', /something else than the page says/)
})

test('a block that throws, a test that fails and a command that fails are problems', async () => {
  const test = "import { test } from 'node:test'\ntest('no', () => {\n  throw new Error('failed')\n})"
  using pages = prepared({
    'page.md': fence('ts', "throw new Error('thrown')") + fence('ts file=a.test.ts', test) + fence('sh run', 'exit 3'),
  })
  const problems = await Promise.all(pages.snippets.map(snippet => runSnippet(pages, snippet)))
  const messages = problems.map(([problem]) => problem?.message ?? '')
  assert.match(messages[0]!, /thrown/)
  assert.match(messages[1]!, /failed/)
  assert.match(messages[2]!, /ends with 3/)
})

test('a block that shows a file must be that file', async () => {
  using same = prepared({ 'page.md': fence('ts from=a.ts', 'export {}'), 'a.ts': 'export {}\n' })
  assert.deepEqual(await compileSnippets(same), [])
  using other = prepared({ 'page.md': fence('ts from=a.ts', 'export {}'), 'a.ts': 'export const a = 1\n' })
  assert.match((await compileSnippets(other))[0]?.message ?? '', /differs from a\.ts/)
})
