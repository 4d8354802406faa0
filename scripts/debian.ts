// Fetches Debian packages into the cache without installing them: no service starts, nothing of the system changes, no root needed.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toolCache } from './tool-cache.ts'

/** What to take from Debian. */
export interface DebianTool {
  /** Name of the folder in the cache. */
  readonly name: string
  /** The packages to unpack. */
  readonly packages: readonly string[]
  /** Whether the packages they depend on, as far as the system lacks them, are unpacked too. */
  readonly withDependencies: boolean
  /** The commands to offer, each with its path within the unpacked packages. */
  readonly commands: Readonly<Record<string, string>>
  /** Lines of shell that run before a command; `$here` is the folder of the unpacked packages. */
  readonly prelude?: string
}

/** Unpacks a tool into the cache and offers its commands in the cache's `bin`; says the versions it took. Throws with advice where it can't. */
export function fetchFromDebian(tool: DebianTool): void {
  const wanted = tool.packages.join(' ')
  if (!isThere('apt-get') || !isThere('dpkg')) {
    throw new Error(
      `there is no apt here; install ${wanted} by your system's own means, so that ${Object.keys(tool.commands)[0]} is on PATH`,
    )
  }
  const home = join(toolCache, 'debian', tool.name)
  const fresh = `${home}.${process.pid}`
  const downloads = mkdtempSync(join(tmpdir(), 'trellis-debian-'))
  chmodSync(downloads, 0o755) // apt's own unprivileged user reads it
  try {
    mkdirSync(fresh, { recursive: true })
    const chosen = withFreshLists(() => {
      const chosen = plan(tool)
      command('apt-get', ['download', '-q', ...chosen], downloads)
      return chosen
    })
    for (const file of readdirSync(downloads).filter(file => file.endsWith('.deb'))) {
      command('dpkg', ['-x', join(downloads, file), fresh], downloads)
    }
    for (const path of Object.values(tool.commands)) {
      if (!existsSync(join(fresh, path)))
        throw new Error(`${wanted} holds no ${path}: another version of Debian? See scripts/tools.ts`)
    }
    writeFileSync(join(fresh, 'packages.txt'), `${chosen.join('\n')}\n`)
    rmSync(home, { recursive: true, force: true })
    renameSync(fresh, home)
    for (const [name, path] of Object.entries(tool.commands)) {
      const { status, stderr } = spawnSync(offer(tool, name, path), ['--version'], { encoding: 'utf8' })
      // The shell's own two codes: not executable, or a library is missing. Some tools answer --version with a 1.
      if (status === null || status >= 126) throw new Error(`${name} was unpacked but does not start: ${stderr.trim()}`)
    }
    const main = chosen.find(entry => entry.startsWith(`${tool.packages[0]}=`)) ?? wanted
    console.log(`${tool.name}: unpacked ${main}${chosen.length > 1 ? ` and ${chosen.length - 1} more` : ''}`)
  } finally {
    rmSync(downloads, { recursive: true, force: true })
    rmSync(fresh, { recursive: true, force: true })
  }
}

// `name=version` of each package to fetch: what an installation would bring, in its order, so that the tool itself comes last.
function plan({ packages, withDependencies }: DebianTool): string[] {
  const simulated = command(
    'apt-get',
    ['install', '--simulate', '--no-install-recommends', '--reinstall', ...packages],
    '/',
  )
  const lines = [...simulated.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+)/gm)].map(
    ([, name, version]) => [name!, version!] as const,
  )
  const chosen = withDependencies ? lines : lines.filter(([name]) => packages.includes(name))
  if (chosen.length === 0) throw new Error(`apt has no ${packages.join(' ')}`)
  return chosen.map(([name, version]) => `${name}=${version}`)
}

// Lists that are absent or old name packages that are not to be had; they are renewed once, which takes root.
function withFreshLists<T>(attempt: () => T): T {
  try {
    return attempt()
  } catch (error) {
    if (process.getuid?.() !== 0) {
      throw new Error(
        `${(error as Error).message}\nIf apt's lists are old, run "apt-get update" as root, then this again`,
        { cause: error },
      )
    }
    console.log('renewing the package lists (apt-get update)')
    command('apt-get', ['update', '-q'], '/')
    return attempt()
  }
}

// A small program in `bin` that finds its libraries beside it (some packages keep theirs a folder deeper). It becomes the tool, so signals and process ids are the tool's.
function offer(tool: DebianTool, name: string, path: string): string {
  const bin = join(toolCache, 'bin')
  mkdirSync(bin, { recursive: true })
  const lines = [
    '#!/bin/sh',
    `here=$(dirname "$(readlink -f "$0")")/../debian/${tool.name}`,
    'for folder in "$here"/usr/lib/*-linux-gnu "$here"/lib/*-linux-gnu "$here"/usr/lib/*-linux-gnu/*; do',
    '  if [ -d "$folder" ]; then LD_LIBRARY_PATH="$folder$' + '{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"; fi',
    'done',
    'export LD_LIBRARY_PATH',
    ...(tool.prelude === undefined ? [] : [tool.prelude]),
    `exec "$here/${path}" "$@"`,
  ]
  const unfinished = join(bin, `${name}.${process.pid}`)
  writeFileSync(unfinished, `${lines.join('\n')}\n`, { mode: 0o755 })
  renameSync(unfinished, join(bin, name))
  return join(bin, name)
}

function isThere(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined
}

/** Runs a command to its end; its output, or an error that holds its last words. */
function command(name: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(name, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 << 20,
    timeout: 600_000,
  })
  if (error !== undefined) throw new Error(`${name}: ${error.message}`, { cause: error })
  if (status !== 0) throw new Error(`${name} ${args[0]} failed:\n${stderr.trim().split('\n').slice(-6).join('\n')}`)
  return stdout
}
