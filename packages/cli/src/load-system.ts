import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Fault } from 'trellis/kernel'
import type { System } from 'trellis/system'

/** A system and the file that declares it. */
export interface LoadedSystem {
  readonly system: System
  /** Absolute. */
  readonly path: string
}

const DEFAULT_FILE = 'system.ts'

/** Loads a system from the file that declares it; `failed_precondition` faults say what the file lacks. What the file itself throws is passed on. */
export async function loadSystem(file: string = DEFAULT_FILE): Promise<LoadedSystem> {
  const path = resolve(file)
  if (!existsSync(path)) {
    const advice =
      file === DEFAULT_FILE
        ? 'Name the file of your system, or go to its folder.'
        : 'Check the path; it is taken from this folder.'
    throw new Fault('failed_precondition', `There is no ${path}. ${advice}`, { reason: 'NO_SYSTEM' })
  }
  const system: unknown = (await load(path)).default
  if (!isSystem(system)) {
    throw new Fault(
      'failed_precondition',
      `${path} declares no system; let it end with: export default system('name', { services: [...] })`,
      { reason: 'NO_SYSTEM' },
    )
  }
  return { system, path }
}

async function load(path: string): Promise<{ readonly default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (
      code === 'ERR_MODULE_NOT_FOUND' ||
      code === 'ERR_UNSUPPORTED_DIR_IMPORT' ||
      code === 'ERR_UNKNOWN_FILE_EXTENSION'
    ) {
      throw new Fault(
        'failed_precondition',
        `${path} can't be loaded: ${message}. Mend the import, or install what it asks for.`,
        {
          reason: 'SYSTEM_NOT_LOADED',
          cause: error,
        },
      )
    }
    throw error
  }
}

/** By shape: the file may use another copy of the platform than this command. */
function isSystem(value: unknown): value is System {
  if (typeof value !== 'object' || value === null) return false
  const { name, services, companions } = value as Partial<System>
  return (
    typeof name === 'string' &&
    Array.isArray(companions) &&
    Array.isArray(services) &&
    services.every(service => typeof service?.name === 'string' && Array.isArray(service.provides))
  )
}
