// The one entry of every npm script: `node run.mjs NAME [ARGUMENT...]`, on any Node from 20 on and before anything is
// installed. It installs when the lock file changed, finds the pinned Node, and goes on in it as the named script.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  appendFileSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { constants as osConstants } from 'node:os'
import { delimiter, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const scripts = {
  start: [['packages/cli/src/main.ts', 'dev', 'examples/shop/system.ts'], 'run the shop; -- --help lists its options'],
  trellis: [['packages/cli/src/main.ts'], 'the trellis command: npm run trellis -- --help'],
  test: [['scripts/test.ts', 'unit'], 'the check and every test that needs npm packages alone; -- PATH... for some'],
  'test:engines': [['scripts/test.ts', 'engine'], 'tests against real engines (first: npm run engines -- postgres)'],
  'test:browser': [['scripts/test.ts', 'browser'], 'tests in headless Chromium (first: npm run tools -- chromium)'],
  'test:tools': [['scripts/test.ts', 'tools'], 'tests with foreign tools (first: npm run tools)'],
  'test:chaos': [['examples/shop/chaos.ts'], 'the shop under kill -9, then its invariants'],
  'test:pack': [['scripts/smoke-tarball.ts'], 'packed tarballs, installed and used in an empty folder'],
  check: [['scripts/check.ts'], 'format, lint, types, floors, exports, docs; -- --update rewrites export lists'],
  build: [['scripts/build.ts'], 'compiled ESM and .d.ts in packages/*/dist'],
  bench: [['bench/main.ts'], 'list the benchmarks; -- NAME... runs some'],
  tools: [['scripts/tools.ts'], 'fetch the foreign tools; -- NAME... for some'],
  engines: [['scripts/engines.ts'], 'fetch real engines: -- postgres'],
}

const root = dirname(fileURLToPath(import.meta.url))
const minimum = [24, 6]
const installLock = join(root, '.cache', 'install.lock')
const stampFile = join(root, 'node_modules', '.trellis-lock')

const [name, ...rest] = process.argv.slice(2)
if (Number.parseInt(process.versions.node, 10) < 20) {
  fail(`Node ${process.versions.node} is too old to begin with. Install Node 20 or newer, then run this again.`)
}
if (name === undefined || !Object.hasOwn(scripts, name)) {
  say(name === undefined ? 'Name a script:' : `There is no script "${name}". These exist:`)
  for (const [known, [, about]] of Object.entries(scripts)) say(`  npm run ${known.padEnd(13)} ${about}`)
  process.exit(1)
}

if (!existsSync(join(root, scripts[name][0][0])))
  fail(`npm run ${name} needs ${scripts[name][0][0]}, which is not in this tree.`)

const node = await prepare()
enter(node, [
  '--conditions=trellis-source',
  ...scripts[name][0].map((part, at) => (at === 0 ? join(root, part) : part)),
  ...rest,
])

/** Sees to the dependencies; returns the path of the Node to go on in. */
async function prepare() {
  const lockFile = join(root, 'package-lock.json')
  const hash = createHash('sha256').update(readFileSync(lockFile)).digest('hex')
  const key = `${hash}-${process.platform}-${process.arch}`
  const known = readStamp(key)
  if (known !== undefined) return known

  const unlock = await lockInstall()
  try {
    const meanwhile = readStamp(key)
    if (meanwhile !== undefined) return meanwhile
    if (!isInstalled(lockFile)) {
      rmSync(stampFile, { force: true })
      await install()
    }
    const found = findNode()
    const inside = relative(root, found)
    writeFileSync(
      stampFile,
      JSON.stringify({ key, node: inside.startsWith('..') || isAbsolute(inside) ? found : inside }),
    )
    return found
  } catch (error) {
    if (error.code === undefined) throw error
    return fail(`Can't write to ${root} (${error.code}). Make the folder writable for you, then run this again.`)
  } finally {
    unlock()
  }
}

function readStamp(key) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'))
    const path = resolve(root, stamp.node)
    return stamp.key === key && existsSync(path) ? path : undefined
  } catch {
    return undefined // absent or cut short: look again
  }
}

/** Whether npm's own record says that what the lock file asks for is already there, as after `npm install PACKAGE`. */
function isInstalled(lockFile) {
  try {
    const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages
    const present = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages
    for (const [path, entry] of Object.entries(wanted)) {
      if (!path.includes('node_modules/')) continue
      const have = present[path]
      if (have === undefined) {
        if (entry.optional && !fits(entry)) continue
        return false
      }
      if (have.version !== entry.version || have.integrity !== entry.integrity) return false
      if (!existsSync(join(root, path, 'package.json'))) return false
    }
    return Object.keys(present).every(path => path in wanted)
  } catch {
    return false // no such record: install
  }
}

function fits(entry) {
  const musl = process.platform === 'linux' && existsSync('/etc/alpine-release')
  const allows = (list, value) => list === undefined || [list].flat().includes(value)
  return (
    allows(entry.os, process.platform) && allows(entry.cpu, process.arch) && allows(entry.libc, musl ? 'musl' : 'glibc')
  )
}

async function install() {
  say('Installing the dependencies (npm ci --ignore-scripts); this happens when package-lock.json changed.')
  const args = [
    'ci',
    '--ignore-scripts',
    '--loglevel=error',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
  ]
  const cli = process.env.npm_execpath ?? ''
  const byNode = cli.endsWith('npm-cli.js')
  const started = Date.now()
  const npm = byNode
    ? spawn(process.execPath, [cli, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawn('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  // Should this process be killed alone, npm goes on: its id keeps the lock alive.
  if (npm.pid !== undefined) appendFileSync(join(installLock, 'pids'), `${npm.pid}\n`)
  const outcome = await new Promise(settle => {
    npm.once('error', error => settle(error.code === 'ENOENT' ? 'npm is not on PATH; install it' : error.message))
    npm.once('exit', (code, signal) =>
      settle(code === 0 ? undefined : `it ended with ${signal ?? `exit code ${code}`}`),
    )
  })
  if (outcome !== undefined) {
    fail(
      `npm ci failed: ${outcome}. Its own words are above; mend that (often the network or the registry setting) and run this again.`,
    )
  }
  say(`Installed in ${((Date.now() - started) / 1000).toFixed(0)} s.`)
}

/** Two first runs at once: one installs, the other waits. Returns the release. */
async function lockInstall() {
  const pids = join(installLock, 'pids')
  mkdirSync(dirname(installLock), { recursive: true })
  for (let waited = 0; ; waited++) {
    try {
      mkdirSync(installLock)
      writeFileSync(pids, `${process.pid}\n`)
      const release = () => rmSync(installLock, { recursive: true, force: true })
      process.once('exit', release)
      return () => {
        process.removeListener('exit', release)
        release()
      }
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isAbandoned(pids)) {
      // Renaming is atomic: of several waiters one takes the dead lock away. It looks again at what it took, lest it was a new one.
      const taken = `${installLock}.${process.pid}`
      try {
        renameSync(installLock, taken)
      } catch {
        continue // another waiter was faster
      }
      if (isAbandoned(join(taken, 'pids'))) rmSync(taken, { recursive: true, force: true })
      else if (!existsSync(installLock)) renameSync(taken, installLock)
      continue
    }
    if (waited === 5) say('Waiting for another run that is installing the dependencies.')
    await new Promise(wake => setTimeout(wake, 200))
  }
}

function isAbandoned(pids) {
  try {
    const alive = readFileSync(pids, 'utf8').split('\n').filter(Boolean).some(isAlive)
    return !alive && Date.now() - statSync(pids).mtimeMs > 1000
  } catch {
    try {
      return Date.now() - statSync(dirname(pids)).mtimeMs > 10_000 // its owner died before it wrote its id
    } catch {
      return false // released meanwhile
    }
  }
}

function isAlive(pid) {
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** The Node of the platform package; where there is none for this platform, this one or one on PATH that is new enough. */
function findNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const executable = process.platform === 'win32' ? 'node.exe' : 'node'
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const pinned = Object.keys(optionalDependencies)
    .filter(
      dependency =>
        dependency === `node-${platform}-${process.arch}` || dependency === `node-bin-${platform}-${process.arch}`,
    )
    .map(dependency => join(root, 'node_modules', dependency, 'bin', executable))
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map(folder => join(folder, executable))
  for (const candidate of [...pinned, process.execPath, ...onPath]) if (isNewEnough(candidate)) return candidate
  const least = minimum.join('.')
  return fail(
    `No Node ${least} or newer: none is pinned for ${platform}-${process.arch}, and none is on PATH. Install one, then run this again.`,
  )
}

function isNewEnough(candidate) {
  try {
    accessSync(candidate, constants.X_OK)
  } catch {
    return false
  }
  const { stdout } = spawnSync(candidate, ['--version'], { encoding: 'utf8', timeout: 10_000 })
  const [major, minor] = (/^v(\d+)\.(\d+)/.exec(stdout ?? '') ?? []).slice(1).map(Number)
  return major !== undefined && (major > minimum[0] || (major === minimum[0] && minor >= minimum[1]))
}

/** Becomes the script where the system can replace a process; elsewhere waits for it and passes signals and exit code on. */
function enter(executable, args) {
  const env = { NODE_COMPILE_CACHE: join(root, '.cache', 'compile'), NODE_COMPILE_CACHE_PORTABLE: '1', ...process.env }
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(executable, [executable, ...args], env)
  }
  const child = spawn(executable, args, { env, stdio: 'inherit' })
  // Ctrl-C reaches the child by itself, being of the same group; a signal sent to this process alone reaches it through
  // here. The child takes interrupts within half a second for one.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.once('error', error => fail(`Can't start ${executable}: ${error.message}.`))
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    for (const handled of signals) process.removeAllListeners(handled)
    process.kill(process.pid, signal)
    process.exitCode = 128 + osConstants.signals[signal]
  })
}

function say(line) {
  writeSync(2, `${line}\n`)
}

function fail(line) {
  say(line)
  process.exit(1)
}
