/** Settings from the environment, read once. */
import type { RuntimeOptions } from '../kernel/index.ts'
import { Fault } from '../kernel/index.ts'

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What the platform itself reads from the environment. */
export interface PlatformSettings {
  /** `TRELLIS_STORE`: where services keep their data. Default: SQLite in the data folder. */
  readonly storeUrl: string | undefined
  /** `TRELLIS_INSTANCE`: tells processes of one service apart that run at once; the same after a restart. Default `0`. */
  readonly instance: string
  /** `TRELLIS_LOG_LEVEL`. Default `info`. */
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** `TRELLIS_HOST`: where services listen. Default 127.0.0.1. */
  readonly host: string
  /** `TRELLIS_PORT`: where a service listens that has a process of its own, and a gateway for its operators. Default 0: a free port, which registry and log tell. */
  readonly port: number
  /** `TRELLIS_ADVERTISE`: the address at which others reach this machine. Default: `TRELLIS_HOST`; must be given where that stands for all addresses. */
  readonly advertise: string
  /** `TRELLIS_TIME_SCALE` and `TRELLIS_TIME_ANCHOR`: for tests. */
  readonly runtime: RuntimeOptions
}

/** Addresses that stand for all of a machine's. */
const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '[::]'])

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** Reads the settings; an unusable value is `failed_precondition` / `INVALID_SETTING`. */
export function readSettings(environment: Environment): PlatformSettings {
  const { TRELLIS_LOG_LEVEL: level = 'info', TRELLIS_TIME_SCALE: scale, TRELLIS_TIME_ANCHOR: anchor } = environment
  const logLevel = LEVELS.find(known => known === level)
  if (logLevel === undefined) throw invalid('TRELLIS_LOG_LEVEL', level, LEVELS.join(', '))
  const instance = environment.TRELLIS_INSTANCE ?? '0'
  if (!/^[a-z0-9-]{1,32}$/.test(instance)) throw invalid('TRELLIS_INSTANCE', instance, 'up to 32 of a-z, 0-9 and -')
  const timeScale = scale === undefined ? 1 : Number(scale)
  if (!(timeScale > 0 && timeScale <= 1))
    throw invalid('TRELLIS_TIME_SCALE', scale ?? '', 'a number above 0 and up to 1')
  const anchorMs = anchor === undefined ? undefined : Number(anchor)
  if (anchorMs !== undefined && !Number.isFinite(anchorMs))
    throw invalid('TRELLIS_TIME_ANCHOR', anchor ?? '', 'milliseconds since 1970')
  const host = environment.TRELLIS_HOST ?? '127.0.0.1'
  const port = Number(environment.TRELLIS_PORT ?? 0)
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw invalid('TRELLIS_PORT', environment.TRELLIS_PORT ?? '', '0 to 65535')
  const advertise = environment.TRELLIS_ADVERTISE ?? host
  if (EVERYWHERE.has(advertise)) {
    throw invalid(
      'TRELLIS_ADVERTISE',
      advertise,
      'an address of this machine that others can reach, since TRELLIS_HOST stands for all of them',
    )
  }
  return {
    storeUrl: environment.TRELLIS_STORE,
    instance,
    logLevel,
    host,
    port,
    advertise,
    runtime: anchorMs === undefined ? { timeScale } : { timeScale, anchorMs },
  }
}

function invalid(name: string, value: string, wanted: string): Fault {
  return new Fault('failed_precondition', `${name} is ${JSON.stringify(value)}; use ${wanted}.`, {
    reason: 'INVALID_SETTING',
  })
}
