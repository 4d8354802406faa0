// The entry of every npm script, in a small repository of its own: `build` is a program that says what it sees, and npm is one
// that notes that it was called.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { makeTree } from './tree.ts'

const lock = (version: string) =>
  JSON.stringify({ packages: { '': {}, 'node_modules/a': { version, integrity: `sha512-${version}` } } })

const files = {
  'run.mjs': readFileSync(resolve(import.meta.dirname, '..', 'run.mjs'), 'utf8'),
  'package.json': JSON.stringify({ type: 'module', optionalDependencies: {} }),
  'package-lock.json': lock('1.0.0'),
  'scripts/build.ts': `
    const args: string[] = process.argv.slice(2)
    if (args[0] === 'exit') process.exitCode = Number(args[1])
    if (args[0] === 'wait') {
      process.once('SIGTERM', () => { console.log('terminated'); process.exit(7) })
      setInterval(() => {}, 1000)
    }
    console.log(JSON.stringify({ args, conditions: process.execArgv, cache: process.env.NODE_COMPILE_CACHE, pid: process.pid }))`,
  'npm-cli.js': `
    import { appendFileSync, mkdirSync } from 'node:fs'
    if (process.env.NPM_FAILS) { console.error('npm says why'); process.exit(3) }
    mkdirSync('node_modules', { recursive: true })
    appendFileSync('npm.log', process.argv.slice(2).join(' ') + '\\n')`,
}

/** Without it a run goes on as a child of its own, as on a Node that can't replace its process. */
const withoutExecve = ['--import', 'data:text/javascript,process.execve=undefined']

function start(
  root: string,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const { NODE_COMPILE_CACHE: _, ...inherited } = process.env
  return spawn(process.execPath, [...nodeArgs, join(root, 'run.mjs'), ...args], {
    cwd: root,
    env: { ...inherited, npm_execpath: join(root, 'npm-cli.js'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function run(
  ...given: Parameters<typeof start>
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(...given)
  let [stdout, stderr] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', text => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', text => (stderr += text))
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

function installs(root: string): number {
  return existsSync(join(root, 'npm.log')) ? readFileSync(join(root, 'npm.log'), 'utf8').trim().split('\n').length : 0
}

test('the first run installs and says so on stderr; the next one does not', async () => {
  using tree = makeTree(files)
  const first = await run(tree.root, ['build', 'a b', '--c'])
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stderr, /Installing the dependencies/)
  const seen = JSON.parse(first.stdout)
  assert.deepEqual(seen.args, ['a b', '--c'])
  assert.deepEqual(seen.conditions, ['--conditions=trellis-source'])
  assert.equal(seen.cache, join(tree.root, '.cache', 'compile'))
  assert.equal((await run(tree.root, ['build'])).stderr, '')
  assert.match(readFileSync(join(tree.root, 'npm.log'), 'utf8'), /^ci --ignore-scripts .*\n$/)
})

test('a changed lock file installs anew', async () => {
  using tree = makeTree(files)
  await run(tree.root, ['build'])
  writeFileSync(join(tree.root, 'package-lock.json'), lock('2.0.0'))
  await run(tree.root, ['build'])
  assert.equal(installs(tree.root), 2)
})

test('what npm itself has brought up to date is not installed again', async () => {
  using tree = makeTree({
    ...files,
    'node_modules/.package-lock.json': lock('1.0.0'),
    'node_modules/a/package.json': '{}',
  })
  await run(tree.root, ['build'])
  assert.equal(installs(tree.root), 0)
  writeFileSync(join(tree.root, 'package-lock.json'), lock('2.0.0'))
  await run(tree.root, ['build'])
  assert.equal(installs(tree.root), 1)
})

test('two first runs at once install once', async () => {
  using tree = makeTree(files)
  const both = await Promise.all([run(tree.root, ['build']), run(tree.root, ['build'])])
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
  )
  assert.equal(installs(tree.root), 1)
})

test('the lock of a run that died is taken away', async () => {
  using tree = makeTree({ ...files, '.cache/install.lock/pids': '999999999\n' })
  assert.equal((await run(tree.root, ['build'])).code, 0)
  assert.ok(!existsSync(join(tree.root, '.cache', 'install.lock')))
})

test('when npm fails, one line says so and the next run tries again', async () => {
  using tree = makeTree(files)
  const failed = await run(tree.root, ['build'], [], { NPM_FAILS: '1' })
  assert.deepEqual([failed.code, failed.stdout], [1, ''])
  assert.match(failed.stderr, /npm says why\nnpm ci failed: it ended with exit code 3\./)
  assert.equal((await run(tree.root, ['build'])).code, 0)
})

for (const [how, nodeArgs] of [
  ['in place', []],
  ['as a child', withoutExecve],
] as const) {
  test(`the exit code of the script is passed on (${how})`, async () => {
    using tree = makeTree(files)
    assert.equal((await run(tree.root, ['build', 'exit', '5'], nodeArgs)).code, 5)
  })

  test(`a signal reaches the script, and its answer the caller (${how})`, async () => {
    using tree = makeTree(files)
    const child = start(tree.root, ['build', 'wait'], nodeArgs)
    const output = child.stdout!.setEncoding('utf8')
    const [line] = await once(output, 'data')
    assert.equal(JSON.parse(line).pid === child.pid, how === 'in place')
    child.kill('SIGTERM')
    const [[answer], [code]] = await Promise.all([once(output, 'data'), once(child, 'exit')])
    assert.deepEqual([answer, code], ['terminated\n', 7])
  })
}

test('a script that is killed by a signal leaves its mark on the caller', async () => {
  using tree = makeTree(files)
  const child = start(tree.root, ['build', 'wait'], withoutExecve)
  const [line] = await once(child.stdout!.setEncoding('utf8'), 'data')
  process.kill(JSON.parse(line).pid, 'SIGKILL')
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL'])
})

test('an unknown script is answered with those there are', async () => {
  using tree = makeTree(files)
  const { code, stderr } = await run(tree.root, ['biuld'])
  assert.equal(code, 1)
  assert.match(stderr, /There is no script "biuld"\. These exist:\n {2}npm run start .*\n/)
})

test('a Node that is too old is told in one line', async () => {
  using tree = makeTree(files)
  const old = ['--import', "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'18.20.0'}})"]
  const { code, stderr } = await run(tree.root, ['build'], old)
  assert.equal(code, 1)
  assert.equal(stderr, 'Node 18.20.0 is too old to begin with. Install Node 20 or newer, then run this again.\n')
})

test('package.json enters every script through run.mjs', () => {
  const { scripts } = JSON.parse(readFileSync(resolve(import.meta.dirname, '..', 'package.json'), 'utf8'))
  for (const [name, command] of Object.entries(scripts)) {
    assert.equal(command, `node run.mjs ${name}`)
    assert.match(files['run.mjs'], new RegExp(`^ {2}'?${name}'?: \\[`, 'm'))
  }
})
