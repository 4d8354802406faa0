import { join } from 'node:path'
import type { Notice } from 'trellis/service'
import type { RunningSystem, System } from 'trellis/system'
import { linesToTry } from './curl.ts'
import { shown } from './data-folder.ts'
import { columns } from './terminal.ts'

/** What a start screen tells. */
export interface StartScreen {
  readonly system: System
  readonly running: Pick<RunningSystem, 'address' | 'processes'>
  readonly folder: string
  readonly notices: readonly Notice[]
}

/** What a person sees once a system is up: where it answers, what its services have to say, what to try, where its data lie, how to stop it. */
export function startScreen(screen: StartScreen): string[] {
  const { system, running, folder, notices } = screen
  const { gateway } = system
  const url = urlOf(running)
  const rows: string[][] = []
  if (url !== undefined && gateway !== undefined) {
    if (gateway.site !== undefined) rows.push(['site', `${url}/`])
    rows.push(['API', `${url}${gateway.basePath ?? '/api'}`])
    if (gateway.docs !== false) rows.push(['reference', `${url}/docs`])
  }
  for (const { service, text } of notices) rows.push([service, text])
  const processes = running.processes.map(({ name, pid }) => `${name} (pid ${pid ?? 'none'})`)
  for (let first = 0; first < processes.length; first += PER_ROW) {
    rows.push([first === 0 ? 'processes' : '', processes.slice(first, first + PER_ROW).join(', ')])
  }
  rows.push(['data', `${shown(folder)}   logs ${shown(join(folder, 'log'))}`])
  const tries = url === undefined || gateway === undefined ? [] : linesToTry(gateway, url)
  return [
    `${system.name} is ready${url === undefined ? '' : ` at ${url}`}`,
    '',
    ...columns(rows, '  '),
    ...(tries.length === 0 ? [] : ['', '  Try', ...tries.map(line => `    ${line}`)]),
    '',
    '  Ctrl-C stops it; a second one stops it at once.',
  ]
}

/** Processes in one row, which a terminal of 100 columns holds. */
const PER_ROW = 4

/** Where the gateway answers; undefined: the system has none. */
export function urlOf({ address }: Pick<RunningSystem, 'address'>): string | undefined {
  if (address === undefined) return undefined
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `http://${host}:${address.port}`
}
