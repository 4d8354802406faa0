/** The folder in which a system keeps its data and logs: `.trellis/<system>` in the folder where the command runs, unless `--data` names another. */
import { existsSync, readdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Runtime } from 'trellis/kernel'
import { Fault } from 'trellis/kernel'
import type { DataPlace, System } from 'trellis/system'
import { folderOwner } from 'trellis/system'
import { loadSystem } from './load-system.ts'

const DEFAULT_PARENT = '.trellis'
/** Is in each data folder that was used: the store of broker and registry. */
const MARK = 'platform.db'

/** The data folder of a system, absolute; it need not be there yet. */
export function dataFolder(system: System, given: string | undefined): string {
  return resolve(given ?? join(DEFAULT_PARENT, system.name))
}

/** A path as a person in this folder would write it. */
export function shown(path: string): string {
  const short = relative('', path)
  return short === '' ? '.' : short.startsWith('..') ? path : short
}

/** The data of a system that has run; `failed_precondition` / `NO_DATA` when there are none. Loads the system only when `given` does not say where they are. */
export async function existingData(given: string | undefined, file: string | undefined): Promise<DataPlace> {
  return usedData(given === undefined ? dataFolder((await loadSystem(file)).system, undefined) : resolve(given))
}

/** The data in a folder that a system has used; `failed_precondition` / `NO_DATA` when it has not. */
export function usedData(folder: string): DataPlace {
  if (existsSync(join(folder, MARK))) return { folder, environment: process.env }
  throw new Fault(
    'failed_precondition',
    `${shown(folder)} holds no data of a system; start the system once (trellis dev), or name its folder with --data.`,
    { reason: 'NO_DATA' },
  )
}

/** Removes the data in a folder. Refuses while a system runs on it, and when it holds something else. */
export async function resetData(runtime: Runtime, folder: string): Promise<void> {
  if (!existsSync(folder)) return
  if (!existsSync(join(folder, MARK)) && readdirSync(folder).length > 0) {
    throw new Fault(
      'failed_precondition',
      `${shown(folder)} holds files that are not a system's data, so --reset leaves it alone; name another folder with --data.`,
      { reason: 'NOT_A_DATA_FOLDER' },
    )
  }
  const owner = await folderOwner(runtime, folder)
  if (owner !== undefined) {
    throw new Fault(
      'failed_precondition',
      `${shown(folder)} is in use by process ${owner}; stop it before its data are removed.`,
      { reason: 'FOLDER_IN_USE' },
    )
  }
  await runtime.fs.remove(folder)
}
