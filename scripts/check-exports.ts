// What the packages offer: a folder with an `index.ts` is a subpath, `index.ts` lists its names one by one, the list of every
// subpath is written down in `exports.txt` beside the package's manifest, and the manifest's `exports` names every subpath.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lineAt, type Problem, type Source } from './source.ts'

/** A package of the repository, by the name of its folder, and its public subpaths with the names each exports. */
export interface PublicPackage {
  readonly folder: string
  readonly subpaths: ReadonlyMap<string, readonly string[]>
}

/** Every breach in the way names are exported, and every difference from what is written down. */
export function checkExports(root: string, sources: readonly Source[]): Problem[] {
  const problems = sources.filter(source => source.path.startsWith('packages/') && !source.isTest).flatMap(checkForm)
  for (const found of publicPackages(root, sources)) {
    const list = `packages/${found.folder}/exports.txt`
    const written = existsSync(join(root, list)) ? readFileSync(join(root, list), 'utf8') : ''
    problems.push(...compareLists(list, written, printExports(found)))
    const manifest = `packages/${found.folder}/package.json`
    const text = readFileSync(join(root, manifest), 'utf8')
    if (withExports(text, found) !== text) {
      const line = text.slice(0, Math.max(0, text.indexOf('"exports"'))).split('\n').length
      problems.push({
        file: manifest,
        line,
        message: '"exports" differs from the folders that have an index.ts: npm run check -- --update rewrites it',
      })
    }
  }
  return problems
}

/** Writes the export lists and the manifests' `exports` as the sources have them; returns the paths that changed. */
export function updateExports(root: string, sources: readonly Source[]): string[] {
  const changed: string[] = []
  const write = (path: string, text: string): void => {
    if (existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8') === text) return
    writeFileSync(join(root, path), text)
    changed.push(path)
  }
  for (const found of publicPackages(root, sources)) {
    write(`packages/${found.folder}/exports.txt`, printExports(found))
    const manifest = `packages/${found.folder}/package.json`
    write(manifest, withExports(readFileSync(join(root, manifest), 'utf8'), found))
  }
  return changed
}

/** The packages that offer anything to import; a private one, or one without an `index.ts`, offers nothing. */
export function publicPackages(root: string, sources: readonly Source[]): PublicPackage[] {
  const folders = existsSync(join(root, 'packages')) ? readdirSync(join(root, 'packages')).sort() : []
  return folders.flatMap(folder => {
    const manifest = join(root, 'packages', folder, 'package.json')
    if (!existsSync(manifest) || JSON.parse(readFileSync(manifest, 'utf8')).private === true) return []
    const base = `packages/${folder}/src/`
    const subpaths = new Map<string, readonly string[]>()
    for (const source of sources) {
      if (!source.path.startsWith(base) || !/(^|\/)index\.ts$/.test(source.path.slice(base.length))) continue
      const inside = source.path.slice(base.length).replace(/\/?index\.ts$/, '')
      subpaths.set(inside === '' ? '.' : `./${inside}`, exportedNames(source))
    }
    return subpaths.size === 0
      ? []
      : [{ folder, subpaths: new Map([...subpaths].sort(([a], [b]) => (a < b ? -1 : 1))) }]
  })
}

function checkForm(source: Source): Problem[] {
  const isIndex = /\/index\.ts$/.test(source.path)
  const problems: Problem[] = []
  for (const statement of source.program.body) {
    const line = lineAt(source, statement.start)
    if (statement.type === 'ExportDefaultDeclaration') {
      problems.push({ file: source.path, line, message: 'a default export: export it by a name' })
    } else if (statement.type === 'ExportAllDeclaration') {
      problems.push({
        file: source.path,
        line,
        message: 'export *: list the names one by one, so that a new name is a decision',
      })
    } else if (isIndex && statement.type === 'ExportNamedDeclaration' && statement.declaration !== null) {
      problems.push({
        file: source.path,
        line,
        message: 'index.ts declares something: put it in a file named after it and list it here',
      })
    }
  }
  for (const { entries } of source.module.staticExports) {
    for (const { exportName, start } of entries) {
      if (exportName.kind === 'Name' && exportName.name === 'default') {
        problems.push({
          file: source.path,
          line: lineAt(source, start),
          message: 'exports the name "default": export it by its own name',
        })
      }
    }
  }
  return problems
}

/** `create`, and `type Handler` for what is there for the compiler alone; sorted by name. */
function exportedNames(source: Source): string[] {
  const names: { name: string; isType: boolean }[] = []
  for (const { entries } of source.module.staticExports) {
    for (const { exportName, isType } of entries) {
      if (exportName.kind === 'Name' && exportName.name !== null) names.push({ name: exportName.name, isType })
    }
  }
  return names.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, isType }) => (isType ? `type ${name}` : name))
}

/** The text of `exports.txt`. */
export function printExports(found: PublicPackage): string {
  const { folder, subpaths } = found
  const blocks = [...subpaths].map(([subpath, names]) => [subpath, ...names.map(name => `  ${name}`)].join('\n'))
  return `# What packages/${folder} exports. npm run check -- --update rewrites this file; read the difference before you commit it.\n\n${blocks.join('\n\n')}\n`
}

function compareLists(list: string, written: string, actual: string): Problem[] {
  if (written === actual) return []
  const before = entriesOf(written)
  const now = entriesOf(actual)
  // A subpath that is new or gone as a whole is told in one line.
  const missingFrom = (other: ReadonlyMap<string, number>) => (entry: string) =>
    !other.has(entry) && (!entry.includes(' ') || other.has(entry.slice(0, entry.indexOf(' '))))
  const added = [...now.keys()].filter(missingFrom(before))
  const gone = [...before.keys()].filter(missingFrom(now))
  const advice = 'if that is meant, npm run check -- --update writes it down'
  const problems = [
    ...added.map(entry => ({ file: list, line: 1, message: `not written down: ${entry}; ${advice}` })),
    ...gone.map(entry => ({
      file: list,
      line: before.get(entry)!,
      message: `no longer exported: ${entry}; ${advice}`,
    })),
  ]
  return problems.length > 0
    ? problems
    : [{ file: list, line: 1, message: `is not as generated; npm run check -- --update rewrites it` }]
}

/** Each `subpath name` of an `exports.txt` with its line. */
function entriesOf(text: string): Map<string, number> {
  const entries = new Map<string, number>()
  let subpath = ''
  for (const [at, line] of text.split('\n').entries()) {
    if (line.startsWith('  ')) entries.set(`${subpath} ${line.trim()}`, at + 1)
    else if (line.startsWith('.')) {
      subpath = line
      entries.set(subpath, at + 1)
    }
  }
  return entries
}

// Entries that no index.ts stands behind (a stylesheet, the manifest) are the package's own affair and stay.
function withExports(text: string, { subpaths }: PublicPackage): string {
  const manifest = JSON.parse(text)
  const own = Object.entries(manifest.exports ?? {}).filter(
    ([, target]) => typeof target !== 'object' || target === null || !('trellis-source' in target),
  )
  const generated = [...subpaths.keys()].map(subpath => {
    const inside = subpath === '.' ? '' : `${subpath.slice(2)}/`
    const target = {
      'trellis-source': `./src/${inside}index.ts`,
      types: `./dist/${inside}index.d.ts`,
      default: `./dist/${inside}index.js`,
    }
    return [subpath, target] as const
  })
  const exports = Object.fromEntries([...generated, ...own])
  // Key order is meaning here (Node takes the first condition that fits), so the texts are compared, not the objects.
  if (JSON.stringify(exports) === JSON.stringify(manifest.exports)) return text
  return `${JSON.stringify({ ...manifest, exports }, null, 2)}\n`
}
