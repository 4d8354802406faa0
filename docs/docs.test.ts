import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { compileSnippets, isRun, pagesOf, prepare, runSnippet } from '../scripts/check-snippets.ts'
import { snippetsOf } from '../scripts/snippets.ts'
import { isTestFile, listFiles, type Problem } from '../scripts/source.ts'

const root = resolve(import.meta.dirname, '..')
const pages = pagesOf(root)
const prepared = prepare(root, pages)
after(() => prepared[Symbol.dispose]())

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function fail(problems: readonly Problem[]): void {
  assert.deepEqual(
    problems.map(({ file, line, message }) => `${file}:${line} ${message}`),
    [],
  )
}

test('the code of all pages compiles, and shows files as they are', async () => {
  fail(await compileSnippets(prepared))
})

describe('the code of a page runs', { concurrency: 2 }, () => {
  for (const page of pages) {
    const own = prepared.snippets.filter(snippet => snippet.page === page && isRun(snippet))
    if (own.length === 0) continue
    test(page, async () => {
      for (const snippet of own) fail(await runSnippet(prepared, snippet))
    })
  }
})

test('every link leads to a file that is there', () => {
  const broken = [...pages, 'CHANGELOG.md'].flatMap(page =>
    [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!.split('#')[0]!)
      .filter(target => target !== '' && !/^https?:/.test(target))
      .filter(target => !existsSync(join(root, dirname(page), target)))
      .map(target => `${page}: ${target}`),
  )
  assert.deepEqual(broken, [])
})

test('every heading that a link names is there', () => {
  const broken = pages.flatMap(page =>
    [...textOf(page).matchAll(/\]\(([^)\s#]*)#([^)\s]+)\)/g)]
      .filter(([, target]) => !/^https?:/.test(target!))
      .filter(([, target, anchor]) => {
        const path = target === '' ? page : join(dirname(page), target!)
        return !anchorsOf(textOf(path)).includes(anchor!)
      })
      .map(([link]) => `${page}: ${link}`),
  )
  assert.deepEqual(broken, [])
})

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('the tables of settings hold what the code reads, and nothing else', () => {
  const read = ['packages', 'examples'].flatMap(folder =>
    listFiles(root, folder, ['.ts'])
      .filter(path => !isTestFile(path) && !path.includes('/testing/'))
      .flatMap(path => textOf(path).match(/\b(TRELLIS|SHOP)_[A-Z_]+\b/g) ?? []),
  )
  const told = ['docs/running.md', 'docs/shop.md'].flatMap(page =>
    [...textOf(page).matchAll(/^\| `((?:TRELLIS|SHOP)_[A-Z_]+)` \|/gm)].map(([, name]) => name),
  )
  assert.deepEqual(told.sort(), [...new Set(read)].sort())
})

test('each limit is what the code says', () => {
  const rows = [...textOf('docs/limits.md').matchAll(/\| \[`[^`]+`\]\(\.\.\/([^)]+)\) \| `([^`]+)` \|/g)]
  assert.ok(rows.length > 40)
  const wrong = rows.filter(([, path, code]) => !textOf(path!).includes(code!))
  assert.deepEqual(
    wrong.map(([row]) => row),
    [],
  )
})

test('the commands that pages show exist, with the options that they are given', () => {
  const lines = pages.flatMap(page =>
    snippetsOf(page, textOf(page))
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text }) => [...text.matchAll(/^npm (?:run trellis --|(start) --) (.*)$/gm)])
      .map(([, start, line]) => (start === undefined ? line! : `dev ${line}`))
      .filter(line => !line.startsWith('--')),
  )
  const wrong = lines.filter(line => {
    const words = line.split(' ').filter(word => !word.startsWith('-'))
    const help = helpOf(words.slice(0, words[0] === 'dead' ? 2 : 1).join(' '))
    return (line.match(/(?<= )--[a-z]+/g) ?? []).some(option => !help.includes(`  ${option}`))
  })
  assert.deepEqual(wrong, [])
})

const helps = new Map<string, string>()

/** The help of a command; throws for one that is not there. */
function helpOf(command: string): string {
  let help = helps.get(command)
  if (help === undefined) {
    const main = join(root, 'packages', 'cli', 'src', 'main.ts')
    const args = ['--conditions=trellis-source', main, ...command.split(' '), '--help']
    help = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    helps.set(command, help)
  }
  return help
}
