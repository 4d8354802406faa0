// `npm run test:pack`: what a user gets. Packs every public package, installs the tarballs in an empty folder, and there, without
// the `trellis-source` condition: imports every subpath, compares its names with the written list, type-checks a program against
// the declarations, and runs the hello example with its test.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type BuiltPackage, buildAll, builtPackages } from './build.ts'
import { publicPackages } from './check-exports.ts'
import { listFiles, readSources } from './source.ts'

const root = resolve(import.meta.dirname, '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** What is said of one step: its name, and the words of what failed. */
class StepFailed extends Error {}

function smoke(packages: readonly BuiltPackage[], home: string): void {
  const tarballs = step(`packed ${packages.length} packages`, () => packages.map(({ folder }) => pack(folder, home)))
  const app = join(home, 'app')
  step('installed them in an empty folder', () => install(app, tarballs))
  const names = namesToImport(packages)
  step(`imported ${names.size} subpaths`, () => importAll(app, names))
  step('type-checked a program against the declarations', () => typeCheck(app, names))
  for (const { folder, manifest } of packages) {
    for (const command of Object.keys(manifest.bin ?? {})) {
      step(`ran ${command} --help of packages/${folder}`, () =>
        run(join(app, 'node_modules', '.bin', command), ['--help'], app),
      )
    }
  }
  if (existsSync(join(root, 'examples', 'hello')))
    step('ran examples/hello with its tests', () => runExample(app, 'hello'))
}

function pack(folder: string, home: string): string {
  const output = npm(['pack', '--json', '--silent', '--pack-destination', home], join(root, 'packages', folder))
  const packed = JSON.parse(output)
  const [{ filename, files }] = (Array.isArray(packed) ? packed : Object.values(packed)) as [
    { filename: string; files: { path: string }[] },
  ]
  const strays = files.map(({ path }) => path).filter(path => /\.test\.|(?<!\.d)\.ts$/.test(path))
  if (strays.length > 0) throw new StepFailed(`packages/${folder} packs what is not for users: ${strays.join(', ')}`)
  return join(home, filename)
}

function install(app: string, tarballs: readonly string[]): void {
  mkdirSync(app)
  const { zod, '@types/node': nodeTypes } = manifest.devDependencies
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  npm(
    [
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      ...tarballs,
      `zod@${zod}`,
      `@types/node@${nodeTypes}`,
    ],
    app,
  )
}

/** Each import specifier with the values (types aside) that it is to give. */
function namesToImport(packages: readonly BuiltPackage[]): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>()
  const ofFolder = new Map(packages.map(({ folder, manifest }) => [folder, manifest.name]))
  for (const { folder, subpaths } of publicPackages(root, readSources(root))) {
    const packageName = ofFolder.get(folder)
    if (packageName === undefined) continue
    for (const [subpath, exported] of subpaths) {
      names.set(
        packageName + subpath.slice(1),
        exported.filter(name => !name.startsWith('type ')),
      )
    }
  }
  return names
}

function importAll(app: string, names: ReadonlyMap<string, readonly string[]>): void {
  const lines = [...names].map(
    ([specifier, expected]) =>
      `compare(${JSON.stringify(specifier)}, await import(${JSON.stringify(specifier)}), ${JSON.stringify(expected)})`,
  )
  const program = `
function compare(specifier, module, expected) {
  const actual = Object.keys(module).sort().join(' ')
  if (actual !== [...expected].sort().join(' ')) throw new Error(specifier + ' gives ' + actual + ' and should give ' + expected.join(' '))
}
${lines.join('\n')}
`
  writeFileSync(join(app, 'imports.mjs'), program)
  run(process.execPath, ['imports.mjs'], app)
}

// `skipLibCheck` is off: the declarations themselves are what is looked at.
function typeCheck(app: string, names: ReadonlyMap<string, readonly string[]>): void {
  const lines = [...names.keys()].flatMap((specifier, at) => [`import * as m${at} from '${specifier}'`, `void m${at}`])
  writeFileSync(join(app, 'consumer.ts'), `${lines.join('\n')}\n`)
  const compilerOptions = {
    ...{ target: 'esnext', module: 'nodenext', lib: ['esnext'], types: ['node'], strict: true, noEmit: true },
    ...{
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
    },
  }
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
  compile(app)
}

function runExample(app: string, name: string): void {
  const copy = join(app, name)
  cpSync(join(root, 'examples', name), copy, {
    recursive: true,
    filter: path => !path.endsWith('package.json') && !path.includes('node_modules'),
  })
  const tsconfig = JSON.parse(readFileSync(join(app, 'tsconfig.json'), 'utf8'))
  writeFileSync(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...tsconfig.compilerOptions, skipLibCheck: true }, include: [name] }),
  )
  compile(app)
  const tests = listFiles(app, name, ['.test.ts'])
  if (tests.length === 0) throw new StepFailed(`examples/${name} has no test`)
  run(process.execPath, ['--test', ...tests], app)
}

function compile(app: string): void {
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--pretty', 'false', '-p', app], app)
}

function npm(args: readonly string[], cwd: string): string {
  const cli = process.env.npm_execpath
  return cli?.endsWith('npm-cli.js') ? run(process.execPath, [cli, ...args], cwd) : run('npm', args, cwd)
}

function run(program: string, args: readonly string[], cwd: string): string {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env // what runs here is seen by nobody again
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 300_000,
    maxBuffer: 64 << 20,
  })
  if (error !== undefined) throw new StepFailed(`${program}: ${error.message}`)
  if (status !== 0)
    throw new StepFailed(
      `${program} ${args.join(' ')}\nended with exit code ${status}:\n${`${stdout}${stderr}`.trim()}`,
    )
  return stdout
}

function step<T>(name: string, body: () => T): T {
  const started = performance.now()
  const result = body()
  console.log(`ok ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
  return result
}

function main(): boolean {
  const packages = builtPackages().filter(({ manifest }) => manifest.private !== true)
  if (!buildAll(packages)) return false
  const home = mkdtempSync(join(tmpdir(), 'trellis-pack-'))
  try {
    smoke(packages, home)
    console.log(`The packed packages work on Node ${process.versions.node}.`)
    return true
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error
    console.log(`FAIL ${error.message}`)
    return false
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

if (!main()) process.exitCode = 1
