// `node scripts/check-snippets.ts [PAGE...] [--update]`: the code blocks of the README and the guides, compiled and run as `snippets.ts`
// says; with `--update` files that pages show are copied into them first. The tests do the same (docs/docs.test.ts).
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { type Snippet, snippetsOf } from './snippets.ts'
import { listFiles, type Problem } from './source.ts'

/** Blocks that lie as files in a throw-away folder. */
export interface Prepared extends Disposable {
  readonly root: string
  readonly folder: string
  readonly snippets: readonly Placed[]
}

/** A block and the file that it became, below the folder; a block of another language than ts, and one with `from=`, has none. */
export interface Placed extends Snippet {
  readonly place: string | undefined
}

/** Longest time that one block, or the compiler, may run: several times what a busy machine needs. */
const timeoutMs = 120_000

/** The pages whose code is checked: those in the root, and the guides. */
export function pagesOf(root: string): string[] {
  return [...listFiles(root, 'docs', ['.md']), 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'README.md', 'SECURITY.md']
}

/** Writes the blocks of pages into files of a folder in which `trellis` and `zod` are found. */
export function prepare(root: string, pages: readonly string[]): Prepared {
  // Read first: a page that is not there, or can't be read, leaves no folder behind.
  const blocks = pages.map(page => snippetsOf(page, readFileSync(join(root, page), 'utf8')))
  const folder = mkdtempSync(join(tmpdir(), 'trellis-docs-'))
  const snippets = blocks.flatMap(own => place(folder, own))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.base.json'), include: ['*/**/*.ts'], exclude: ['node_modules'] }),
  )
  return { root, folder, snippets, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

function place(folder: string, snippets: readonly Snippet[]): Placed[] {
  return snippets.map((snippet, index) => {
    if (snippet.language !== 'ts' || snippet.from !== undefined) return { ...snippet, place: undefined }
    const own = join(snippet.page.replace(/\.md$/, '').replaceAll('/', '-').toLowerCase())
    const path = join(own, snippet.file ?? `block-${index + 1}.ts`)
    mkdirSync(join(folder, path, '..'), { recursive: true })
    // A block without imports is a module all the same.
    writeFileSync(
      join(folder, path),
      /^(import|export) /m.test(snippet.text) ? snippet.text : `${snippet.text}export {}\n`,
    )
    return { ...snippet, place: path }
  })
}

/** What the compiler has to say of the blocks, and which of them differ from the files that they show. */
export async function compileSnippets({ root, folder, snippets }: Prepared): Promise<Problem[]> {
  const problems: Problem[] = []
  // Without a file the compiler takes that for the mistake.
  if (snippets.some(({ place }) => place !== undefined)) {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const args = [tsc, '--noEmit', '--pretty', 'false', '-p', 'tsconfig.json']
    const { code, output } = await run(process.execPath, args, folder)
    // What goes on with an indented line is one finding.
    if (code !== 0) for (const text of output.trimEnd().split(/\n(?! )/)) problems.push(toProblem(text, snippets))
  }
  for (const { page, line, from, text } of snippets) {
    if (from !== undefined && readFileSync(join(root, from), 'utf8') !== text)
      problems.push({
        file: page,
        line,
        message: `the block differs from ${from}; run node scripts/check-snippets.ts --update`,
      })
  }
  return problems
}

function toProblem(finding: string, snippets: readonly Placed[]): Problem {
  const [, path, row, rest] = /^(.+?)\((\d+),\d+\): (.*)$/s.exec(finding) ?? []
  const snippet = snippets.find(candidate => candidate.place !== undefined && candidate.place === path)
  if (snippet === undefined) return { file: 'docs', line: 1, message: finding }
  return { file: snippet.page, line: snippet.line + Number(row) - 1, message: rest! }
}

/** Runs a block that is to be run; how it failed. */
export async function runSnippet({ root, folder }: Prepared, snippet: Placed): Promise<Problem[]> {
  const outcome = await (snippet.place === undefined ? runLines(root, snippet) : runModule(folder, snippet.place))
  const { page: file, line, output } = snippet
  if (outcome.code !== 0) return [{ file, line, message: `ends with ${outcome.code}:\n${outcome.output}` }]
  if (output === undefined || outcome.printed === output) return []
  return [{ file, line, message: `prints something else than the page says:\n${outcome.printed}` }]
}

/** Whether a block does something by itself. */
export function isRun({ language, words, file, place }: Placed): boolean {
  if (language === 'sh') return words.has('run')
  return place !== undefined && !words.has('no-run') && (file === undefined || file.endsWith('.test.ts'))
}

function runModule(folder: string, place: string): Promise<Outcome> {
  const flags = ['--conditions=trellis-source', '--disable-warning=ExperimentalWarning']
  const test = place.endsWith('.test.ts') ? ['--test'] : []
  return run(process.execPath, [...flags, ...test, join(folder, place)], join(folder, place, '..'))
}

/** `npm run trellis --` is run without npm, which would take longer than the command. */
function runLines(root: string, { text }: Snippet): Promise<Outcome> {
  const script = text.replaceAll(
    /^npm run trellis --/gm,
    `'${process.execPath}' --conditions=trellis-source packages/cli/src/main.ts`,
  )
  return run('sh', ['-eu', '-c', script], root)
}

interface Outcome {
  readonly code: number | string
  /** Standard output alone. */
  readonly printed: string
  /** Standard output and error. */
  readonly output: string
}

function run(program: string, args: readonly string[], cwd: string): Promise<Outcome> {
  // What the test runner tells its own children would make a program report as one.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs })
  let printed = ''
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return new Promise((settle, fail) => {
    child.once('error', fail)
    child.once('close', (code, signal) => settle({ code: code ?? signal ?? 'nothing', printed, output }))
  })
}

function update(root: string, page: string): void {
  const path = join(root, page)
  const before = readFileSync(path, 'utf8')
  let text = before
  for (const { from, text: shown } of snippetsOf(page, before)) {
    if (from === undefined) continue
    const fence = `\`\`\`ts from=${from}\n`
    text = text.replace(`${fence}${shown}`, () => `${fence}${readFileSync(join(root, from), 'utf8')}`)
  }
  if (text !== before) writeFileSync(path, text)
}

async function main(root: string, args: readonly string[]): Promise<number> {
  const given = args.filter(arg => arg !== '--update')
  const pages = given.length === 0 ? pagesOf(root) : given.map(page => relative(root, resolve(page)))
  if (given.length < args.length) for (const page of pages) update(root, page)
  using prepared = prepare(root, pages)
  const problems = await compileSnippets(prepared)
  const wanted = prepared.snippets.filter(isRun)
  for (const snippet of wanted) problems.push(...(await runSnippet(prepared, snippet)))
  for (const { file, line, message } of problems) console.log(`${file}:${line} ${message}`)
  console.log(`${pages.length} pages, ${wanted.length} blocks run, ${problems.length} problems`)
  return problems.length === 0 ? 0 : 1
}

if (import.meta.main) process.exitCode = await main(resolve(import.meta.dirname, '..'), process.argv.slice(2))
