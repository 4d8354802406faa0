// `npm run build [-- PACKAGE...]`: compiled ESM and declarations of every package, in `packages/<folder>/dist`.
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isTestFile, listFiles } from './source.ts'

const root = resolve(import.meta.dirname, '..')

/** A package of the repository that is compiled: its folder's name and its manifest. */
export interface BuiltPackage {
  readonly folder: string
  readonly manifest: Manifest
}

/** The parts of a `package.json` that building and packing look at. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The packages with a `tsconfig.build.json` and something to compile, each after those it depends on. */
export function builtPackages(): BuiltPackage[] {
  const waiting = readdirSync(join(root, 'packages'))
    .filter(folder => existsSync(join(root, 'packages', folder, 'tsconfig.build.json')))
    .filter(folder => listFiles(root, `packages/${folder}/src`, ['.ts']).some(path => !isTestFile(path)))
    .map(folder => ({
      folder,
      manifest: JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as Manifest,
    }))
  const ordered: BuiltPackage[] = []
  while (waiting.length > 0) {
    const at = waiting.findIndex(({ manifest }) => {
      const needs = { ...manifest.dependencies, ...manifest.peerDependencies }
      return waiting.every(other => other.manifest === manifest || !(other.manifest.name in needs))
    })
    if (at === -1)
      throw new Error(`packages depend on each other in a circle: ${waiting.map(({ folder }) => folder).join(', ')}`)
    ordered.push(...waiting.splice(at, 1))
  }
  return ordered
}

/** Compiles one package anew; returns what is wrong, a line each. */
export function build({ folder, manifest }: BuiltPackage): string[] {
  const home = join(root, 'packages', folder)
  const dist = join(home, 'dist')
  rmSync(dist, { recursive: true, force: true })
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [tsc, '--pretty', 'false', '-p', join(home, 'tsconfig.build.json')],
    {
      cwd: root,
      encoding: 'utf8',
    },
  )
  if (status !== 0) return `${stdout}${stderr}`.trimEnd().split('\n')
  copyAssets(home)
  for (const path of listFiles(home, 'src', ['.ts']).filter(path => !isTestFile(path))) {
    const output = join(dist, path.slice('src/'.length).replace(/\.ts$/, '.js'))
    const text = readFileSync(output, 'utf8')
    const retargeted = retargetUrls(text)
    if (retargeted !== text) writeFileSync(output, retargeted)
  }
  for (const path of Object.values(manifest.bin ?? {})) {
    if (existsSync(join(home, path))) chmodSync(join(home, path), 0o755)
  }
  return missingTargets(home, manifest).map(
    path => `packages/${folder}/package.json names ${path}, which the build does not make`,
  )
}

// What a program reads beside itself (a page, a stylesheet) goes along, and the licence, which npm takes from the package's own folder.
function copyAssets(home: string): void {
  cpSync(join(home, 'src'), join(home, 'dist'), {
    recursive: true,
    filter: path => !/\.tsx?$/.test(path),
  })
  copyFileSync(join(root, 'LICENSE'), join(home, 'LICENSE'))
}

/**
 * The compiler rewrites the endings of imports, not those in `new URL('./worker.ts', import.meta.url)` and
 * `import.meta.resolve('./worker.ts')`, by which a worker or a child process finds its file.
 */
export function retargetUrls(text: string): string {
  return text
    .replace(/(new URL\(\s*(['"])\.{1,2}\/[^'"]+)\.ts(\2,\s*import\.meta\.url)/g, '$1.js$3')
    .replace(/(import\.meta\.resolve\(\s*(['"])\.{1,2}\/[^'"]+)\.ts(\2)/g, '$1.js$3')
}

function missingTargets(home: string, manifest: Manifest): string[] {
  const targets = Object.values(manifest.exports ?? {}).flatMap(target =>
    typeof target === 'string' ? [target] : Object.values(target),
  )
  return [...targets, ...Object.values(manifest.bin ?? {})].filter(path => !existsSync(join(home, path)))
}

/** Builds the packages in order and says how each went; whether all is well. */
export function buildAll(chosen: readonly BuiltPackage[]): boolean {
  for (const found of chosen) {
    const started = performance.now()
    const problems = build(found)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${problems.length === 0 ? 'built' : 'FAIL '} packages/${found.folder} ${seconds} s`)
    if (problems.length === 0) continue
    console.log(problems.join('\n')) // what depends on it would fail for its sake alone
    return false
  }
  return true
}

if (import.meta.main) {
  const names = process.argv.slice(2)
  const all = builtPackages()
  const unknown = names.find(name => !all.some(({ folder }) => folder === name))
  if (unknown !== undefined) {
    console.error(
      `There is nothing to build in packages/${unknown}. Packages: ${all.map(({ folder }) => folder).join(', ')}`,
    )
    process.exitCode = 1
  } else if (!buildAll(names.length === 0 ? all : all.filter(({ folder }) => names.includes(folder)))) {
    process.exitCode = 1
  }
}
