// The house of ARCHITECTURE.md, drawn as a check: a folder of the platform imports from lower floors alone, nothing imports
// in a circle, no vendor's SDK is in the core, and the outside world (clock, chance, sockets, files) is reached through
// `kernel/runtime.ts` alone.
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { findCycles, type Graph } from './cycles.ts'
import { findOutsideUses } from './outside-world.ts'
import { importsOf, lineAt, type Problem, resolveImport, type Source } from './source.ts'

const core = 'packages/trellis/src/'

/** Each folder of the platform and the floor it is on. A folder imports from itself and from lower floors. */
const floors: Readonly<Record<string, number>> = {
  kernel: 0,
  wire: 1,
  schema: 1,
  store: 1,
  telemetry: 1,
  contract: 2,
  resilience: 2,
  security: 2,
  config: 2,
  discovery: 2,
  rpc: 3,
  messaging: 3,
  events: 3,
  jobs: 4,
  saga: 4,
  gateway: 4,
  mesh: 4,
  service: 5,
  system: 6,
  console: 7,
}

/** Beside the floors: may import from all of them, and none of them imports it. */
const beside = 'testing'

/** The packages that the core may use. Everything else that is a vendor's lives in an `engine-` or `interop-` package. */
const librariesOfTheCore: ReadonlySet<string> = new Set([
  '@standard-schema/spec', // types alone: the form in which every schema library hands over a schema
  'jose',
  '@bufbuild/protobuf',
  'croner',
  '@opentelemetry/api',
])

/** Who may reach the outside world past the Runtime, to what, and why. */
const exceptions: readonly { readonly files: RegExp; readonly uses: RegExp; readonly reason: string }[] = [
  { files: /^kernel\/runtime[^/]*\.ts$/, uses: /./, reason: 'is the Runtime' },
  { files: /^testing\//, uses: /./, reason: 'makes and replaces runtimes' },
  {
    files: /^store\/sqlite\//,
    uses: /^node:(sqlite|worker_threads|fs|fs\/promises)$/,
    reason: 'node:sqlite opens its file itself; the checkpoint worker and the flush stand beside it',
  },
  { files: /^wire\//, uses: /^node:https?$/, reason: 'stands on node:http for now' },
  { files: /^security\//, uses: /^node:worker_threads$/, reason: 'hashes passwords in a worker of its own' },
  { files: /^system\//, uses: /^node:child_process$/, reason: 'the supervisor starts processes' },
]

/** Every breach of the floors in the given files. */
export function checkFloors(root: string, sources: readonly Source[]): Problem[] {
  return [
    ...sources.flatMap(source => [...checkImports(root, source), ...checkOutsideUses(source)]),
    ...checkCycles(sources),
  ]
}

function checkImports(root: string, source: Source): Problem[] {
  const problems: Problem[] = []
  const inCore = source.path.startsWith(core)
  const own = inCore ? folderOf(source.path) : undefined
  if (inCore && !source.isTest && (own === undefined || !(own in floors || own === beside))) {
    const place = own === undefined ? 'A file of the core outside every folder' : `The folder ${own}/ is on no floor`
    problems.push({
      file: source.path,
      line: 1,
      message: `${place}: put it in a folder of DESIGN's floors (scripts/check-floors.ts lists them)`,
    })
  }
  if (source.isTest) return problems
  for (const { specifier, start } of importsOf(source)) {
    const message = specifier.startsWith('.')
      ? judgeRelative(source, own, resolveImport(source, specifier))
      : judgeBare(root, source, specifier)
    if (message !== undefined) problems.push({ file: source.path, line: lineAt(source, start), message })
  }
  return problems
}

function judgeRelative(source: Source, own: string | undefined, target: string): string | undefined {
  const home = homeOf(source.path)
  if (!target.startsWith(home)) {
    return `imports ${target} past the edge of ${home}: import the package by its name (trellis/kernel)`
  }
  if (own === undefined) return undefined
  const other = folderOf(target)
  if (other === undefined || other === own || own === beside) return undefined
  if (other === beside) return `imports ${beside}/, which is for tests alone: move what is needed into a floor`
  const [from, to] = [floors[own], floors[other]]
  if (from === undefined || to === undefined || to < from) return undefined
  const relation = to === from ? 'the same floor' : 'a higher floor'
  return `${own}/ (floor ${from}) imports ${other}/ (floor ${to}), ${relation}: let them meet higher up, or through a type of a lower floor`
}

function judgeBare(root: string, source: Source, specifier: string): string | undefined {
  if (isBuiltin(specifier) || !source.path.startsWith('packages/')) return undefined
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const inCore = source.path.startsWith(core)
  if (inCore && name === 'trellis') return `imports ${specifier}, itself: import the file by its relative path`
  if (inCore && !librariesOfTheCore.has(name)) {
    return `imports ${name}, which the core may not use: put it in an engine- or interop- package (allowed: ${[...librariesOfTheCore].join(', ')})`
  }
  const [, packageFolder] = source.path.split('/')
  if (declaredDependencies(root, packageFolder!).has(name)) return undefined
  return `imports ${name}, which packages/${packageFolder}/package.json does not name: add it to its dependencies`
}

function declaredDependencies(root: string, packageFolder: string): ReadonlySet<string> {
  const file = join(root, 'packages', packageFolder, 'package.json')
  if (!existsSync(file)) return new Set()
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  const bundled = manifest.private === true ? manifest.devDependencies : undefined
  return new Set(
    Object.keys({
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.optionalDependencies,
      ...bundled,
    }),
  )
}

function checkOutsideUses(source: Source): Problem[] {
  if (!source.path.startsWith(core) || source.isTest) return []
  const file = source.path.slice(core.length)
  return findOutsideUses(source)
    .filter(({ name }) => !exceptions.some(({ files, uses }) => files.test(file) && uses.test(name)))
    .map(({ name, start }) => ({
      file: source.path,
      line: lineAt(source, start),
      message: `uses ${name}: take the clock, timers, chance, sockets and files from the Runtime (kernel/runtime.ts)`,
    }))
}

function checkCycles(sources: readonly Source[]): Problem[] {
  const known = new Map(sources.map(source => [source.path, source]))
  const files = new Map<string, Set<string>>()
  for (const source of sources) {
    const targets = importsOf(source)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => resolveImport(source, specifier))
    files.set(source.path, new Set(targets.filter(target => known.has(target))))
  }
  const problems = findCycles(files).map(cycle => ({
    file: cycle[0]!,
    line: lineOfImport(known.get(cycle[0]!)!, cycle[1]!),
    message: `imports in a circle: ${cycle.join(' → ')}; move what both need into a file below them`,
  }))
  // Not in the examples: two services there consume each other's events, and so import each other's contracts.
  const inPackages = [...files].filter(([path]) => path.startsWith('packages/'))
  const untested = new Map(inPackages.filter(([path]) => !known.get(path)!.isTest))
  for (const cycle of findCycles(folderGraph(untested))) {
    const [from, to] = cycle as [string, string]
    const [file, target] = edgeBetween(untested, from, to)
    problems.push({
      file,
      line: lineOfImport(known.get(file)!, target),
      message: `folders import in a circle: ${cycle.join(' → ')}; move what both need into a folder below them`,
    })
  }
  return problems
}

// Folders side by side may not need each other in a circle. A folder and one inside it are one thing.
function folderGraph(files: Graph): Graph {
  const graph = new Map<string, Set<string>>()
  for (const [path, targets] of files) {
    for (const target of targets) {
      const pair = siblings(path, target)
      if (pair === undefined) continue
      const edges = graph.get(pair[0]) ?? new Set()
      graph.set(pair[0], edges.add(pair[1]))
    }
  }
  return graph
}

function siblings(path: string, target: string): [string, string] | undefined {
  const from = path.split('/')
  const to = target.split('/')
  let shared = 0
  while (from[shared] === to[shared]) shared++
  if (shared >= from.length - 1 || shared >= to.length - 1) return undefined
  return [from.slice(0, shared + 1).join('/'), to.slice(0, shared + 1).join('/')]
}

function edgeBetween(files: Graph, from: string, to: string): [file: string, target: string] {
  for (const [path, targets] of files) {
    for (const target of targets) {
      if (path.startsWith(`${from}/`) && target.startsWith(`${to}/`)) return [path, target]
    }
  }
  throw new Error(`${from} does not import ${to}`)
}

function lineOfImport(source: Source, target: string): number {
  const found = importsOf(source).find(
    ({ specifier }) => specifier.startsWith('.') && resolveImport(source, specifier) === target,
  )
  return lineAt(source, found?.start ?? 0)
}

function folderOf(path: string): string | undefined {
  const parts = path.slice(core.length).split('/')
  return parts.length > 1 ? parts[0] : undefined
}

/** The folder that a file's relative imports stay in: its package's sources, or all examples. */
function homeOf(path: string): string {
  const parts = path.split('/')
  return parts[0] === 'packages' ? `packages/${parts[1]}/` : `${parts[0]}/`
}
