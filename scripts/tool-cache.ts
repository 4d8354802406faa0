// Where the foreign tools and engines lie, for the tests and scripts that need them.
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

/**
 * The folder that holds what `npm run tools` and `npm run engines` fetched; git-ignored. `TRELLIS_TOOLS` names another, so that
 * several clones can share one.
 */
export const toolCache: string = resolve(
  process.env.TRELLIS_TOOLS ?? join(import.meta.dirname, '..', '.cache', 'tools'),
)

/** Each tool: the command that fetches it, and the names it goes by on PATH. */
const known = {
  chromium: { get: 'npm run tools -- chromium', onPath: ['chromium', 'chromium-browser', 'google-chrome'] },
  promtool: { get: 'npm run tools -- promtool', onPath: ['promtool'] },
  wrk: { get: 'npm run tools -- wrk', onPath: ['wrk'] },
  schemathesis: { get: 'npm run tools -- schemathesis', onPath: ['schemathesis'] },
  postgres: { get: 'npm run engines -- postgres', onPath: ['postgres'] },
} as const

/** A tool or engine that Trellis' tests use and npm does not have. */
export type ToolName = keyof typeof known

/** The executable of a tool: from the cache, else from the system; undefined when it is in neither. */
export function findTool(name: ToolName): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  const candidates = [
    join(toolCache, 'bin', name),
    ...(name === 'postgres' ? debianPostgres() : []),
    ...known[name].onPath.flatMap(alias => folders.map(folder => join(folder, alias))),
  ]
  return candidates.find(isExecutable)
}

/**
 * The executable of a tool, or undefined after a line that says what is not run and how to get the tool. With
 * `TRELLIS_REQUIRE=all` a missing tool throws: there nothing is left out.
 *
 * @example
 * const promtool = requireTool('promtool', 'the metrics page checked by promtool')
 * test('the metrics page is valid', { skip: promtool === undefined }, () => ...)
 */
export function requireTool(name: ToolName, what: string): string | undefined {
  const found = findTool(name)
  if (found !== undefined) return found
  const line = `not run: ${what}. ${name} is missing; get it with ${known[name].get}`
  if (process.env.TRELLIS_REQUIRE === 'all') throw new Error(line)
  process.stderr.write(`${line}\n`)
  return undefined
}

// Debian keeps the server off PATH, one folder for each version; the newest first.
function debianPostgres(): string[] {
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base) ? readdirSync(base).map(Number).filter(Number.isInteger) : []
  return versions.sort((a, b) => b - a).map(version => join(base, String(version), 'bin', 'postgres'))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // absent, or not ours to run
  }
}
