// `npm run tools [-- NAME...]`: fetches the tools that the tests and benchmarks use and npm does not have.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchFromDebian } from './debian.ts'
import { findTool, type ToolName, toolCache } from './tool-cache.ts'

const schemathesisVersion = '4.32.5'

const tools: Partial<Record<ToolName, () => void>> = {
  chromium: () => {
    fetchFromDebian({
      name: 'chromium',
      packages: ['chromium', 'fonts-liberation'],
      withDependencies: true,
      commands: { chromium: 'usr/lib/chromium/chromium' },
      prelude: 'export FONTCONFIG_FILE="$here/fonts.conf"',
    })
    writeFileSync(join(toolCache, 'debian', 'chromium', 'fonts.conf'), fonts)
  },
  promtool: () =>
    fetchFromDebian({
      name: 'prometheus',
      packages: ['prometheus'],
      withDependencies: false, // a static program; its dependencies are those of the web pages
      commands: { promtool: 'usr/bin/promtool' },
    }),
  wrk: () =>
    fetchFromDebian({ name: 'wrk', packages: ['wrk'], withDependencies: true, commands: { wrk: 'usr/bin/wrk' } }),
  schemathesis: fetchSchemathesis,
}

// The fonts of the system and those unpacked beside this file, so that pages look alike where the system has none.
const fonts = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir prefix="relative">usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
${['sans-serif', 'system-ui', 'Arial', 'Helvetica'].map(family => alias(family, 'Liberation Sans')).join('\n')}
${['serif', 'Times New Roman'].map(family => alias(family, 'Liberation Serif')).join('\n')}
${['monospace', 'Courier New'].map(family => alias(family, 'Liberation Mono')).join('\n')}
</fontconfig>
`

function alias(family: string, prefer: string): string {
  return `  <alias binding="same"><family>${family}</family><prefer><family>${prefer}</family></prefer></alias>`
}

function fetchSchemathesis(): void {
  const home = join(toolCache, 'schemathesis')
  const run = (program: string, args: readonly string[]): void => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 600_000 })
    if (error !== undefined)
      throw new Error(`python3 is missing (${error.message}); install Python 3.10 or newer with venv`)
    if (status !== 0)
      throw new Error(
        `${program} ${args.join(' ')} failed:\n${`${stdout}${stderr}`.trim().split('\n').slice(-6).join('\n')}`,
      )
  }
  rmSync(home, { recursive: true, force: true })
  try {
    run('python3', ['-m', 'venv', home])
    run(join(home, 'bin', 'python'), [
      '-m',
      'pip',
      'install',
      '-q',
      '--disable-pip-version-check',
      `schemathesis==${schemathesisVersion}`,
    ])
  } catch (error) {
    rmSync(home, { recursive: true, force: true })
    throw error
  }
  mkdirSync(join(toolCache, 'bin'), { recursive: true })
  const unfinished = join(toolCache, 'bin', `schemathesis.${process.pid}`)
  symlinkSync(join('..', 'schemathesis', 'bin', 'schemathesis'), unfinished)
  renameSync(unfinished, join(toolCache, 'bin', 'schemathesis'))
  console.log(`schemathesis: ${schemathesisVersion} in a virtual environment`)
}

/** Runs the fetcher of each named tool that is not there yet; whether all are there in the end. */
export function fetchAll(fetchers: Partial<Record<ToolName, () => void>>, names: readonly string[]): boolean {
  const unknown = names.find(name => !Object.hasOwn(fetchers, name))
  if (unknown !== undefined) {
    console.error(`There is no "${unknown}" to fetch. These can be had: ${Object.keys(fetchers).join(', ')}`)
    return false
  }
  let isWell = true
  for (const name of names as readonly ToolName[]) {
    if (findTool(name) !== undefined) continue
    try {
      console.log(`${name}: fetching into ${existsSync(toolCache) ? 'the cache' : toolCache}`)
      fetchers[name]!()
    } catch (error) {
      console.error(`${name}: ${(error as Error).message}`)
      isWell = false
    }
  }
  return isWell
}

if (import.meta.main) {
  const names = process.argv.slice(2)
  if (!fetchAll(tools, names.length === 0 ? Object.keys(tools) : names)) process.exitCode = 1
}
