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
  /** `TRELLIS_TIME_SCALE` and `TRELLIS_TIME_ANCHOR`: for tests. */
  readonly runtime: RuntimeOptions
}

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
  return {
    storeUrl: environment.TRELLIS_STORE,
    instance,
    logLevel,
    host: environment.TRELLIS_HOST ?? '127.0.0.1',
    runtime: anchorMs === undefined ? { timeScale } : { timeScale, anchorMs },
  }
}

function invalid(name: string, value: string, wanted: string): Fault {
  return new Fault('failed_precondition', `${name} is ${JSON.stringify(value)}; use ${wanted}.`, {
    reason: 'INVALID_SETTING',
  })
}
