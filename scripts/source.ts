// What the checks share: the list of source files, each parsed once, and the form of a problem.
import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { type Comment, type EcmaScriptModule, type Program, parseSync } from 'oxc-parser'

/** One thing to mend. `file` is relative to the root; `message` says what is wrong and what to do. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** A parsed TypeScript file. `path` is relative to the root, with forward slashes. */
export interface Source {
  readonly path: string
  readonly text: string
  readonly program: Program
  readonly comments: readonly Comment[]
  readonly module: EcmaScriptModule
  readonly isTest: boolean
}

/** A specifier of an import, a re-export or an `import()` with a literal, and where it stands. */
export interface ImportedName {
  readonly specifier: string
  readonly start: number
}

/** Paths under `folder` of the files whose name ends so, sorted; dependencies, output and hidden folders are left out. */
export function listFiles(root: string, folder: string, endings: readonly string[]): string[] {
  const found: string[] = []
  const visit = (at: string): void => {
    let entries: Dirent[]
    try {
      entries = readdirSync(at, { withFileTypes: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    for (const entry of entries) {
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && entry.name !== 'node_modules' && entry.name !== 'dist') {
          visit(join(at, entry.name))
        }
      } else if (endings.some(ending => entry.name.endsWith(ending))) {
        found.push(relative(root, join(at, entry.name)).split(sep).join('/'))
      }
    }
  }
  visit(join(root, folder))
  return found.sort()
}

/** Parses every TypeScript file of `packages/<name>/src` and of `examples`. A file that can't be parsed is left to `tsc`. */
export function readSources(root: string): Source[] {
  const sources: Source[] = []
  for (const path of [
    ...listFiles(root, 'packages', ['.ts', '.tsx']),
    ...listFiles(root, 'examples', ['.ts', '.tsx']),
  ]) {
    if (path.startsWith('packages/') && path.split('/')[2] !== 'src') continue
    const text = readFileSync(join(root, path), 'utf8')
    const { program, comments, module } = parseSync(path, text)
    sources.push({ path, text, program, comments, module, isTest: isTestFile(path) })
  }
  return sources
}

/** Tests, and the programs that tests start (`x.test-process.ts`). */
export function isTestFile(path: string): boolean {
  return /\.test(-[a-z-]+)?\.tsx?$/.test(path)
}

/** The line of an offset, counted from 1. */
export function lineAt(source: Source, offset: number): number {
  let line = 1
  for (let at = source.text.indexOf('\n'); at !== -1 && at < offset; at = source.text.indexOf('\n', at + 1)) line++
  return line
}

/** Everything that a file imports, types included: an `import type` ties two files together as well. */
export function importsOf(source: Source): ImportedName[] {
  const found: ImportedName[] = []
  for (const { moduleRequest } of source.module.staticImports) {
    found.push({ specifier: moduleRequest.value, start: moduleRequest.start })
  }
  for (const { entries } of source.module.staticExports) {
    const request = entries.find(entry => entry.moduleRequest !== null)?.moduleRequest
    if (request != null) found.push({ specifier: request.value, start: request.start })
  }
  for (const { moduleRequest } of source.module.dynamicImports) {
    const literal = /^['"`]([^'"`$]+)['"`]$/.exec(source.text.slice(moduleRequest.start, moduleRequest.end))?.[1]
    if (literal !== undefined) found.push({ specifier: literal, start: moduleRequest.start })
  }
  return found
}

/** The root-relative path that a relative specifier names. */
export function resolveImport(source: Source, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(source.path), specifier))
}
