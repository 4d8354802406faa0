/** Load by wrk (https://github.com/wg/wrk), which `npm run tools -- wrk` fetches. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from './shop.ts'

/** What a run of wrk found. */
export interface WrkResult {
  readonly perSecond: number
  readonly requests: number
  /** Answers that were not 2xx or 3xx, and sockets that failed. */
  readonly failed: number
  /** Milliseconds that 99 % of the answers came within. */
  readonly p99Ms: number
}

/** One thread and 64 connections for `seconds`, with a Lua script and its arguments. */
export async function wrk(url: string, script: string, args: readonly string[], seconds: number): Promise<WrkResult> {
  const tool = join(ROOT, '.cache', 'tools', 'bin', 'wrk')
  if (!existsSync(tool)) throw new Error('wrk is not there; fetch it with npm run tools -- wrk.')
  const options = ['--threads', '1', '--connections', '64', '--duration', `${seconds}s`, '--script', script, url]
  const { stdout } = await promisify(execFile)(tool, [...options, '--', ...args])
  const line = stdout.split('\n').find(text => text.startsWith('{'))
  if (line === undefined) throw new Error(`wrk said nothing that can be read:\n${stdout}`)
  return JSON.parse(line) as WrkResult
}
