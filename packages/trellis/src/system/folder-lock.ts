import { join } from 'node:path'
import type { Runtime } from '../kernel/index.ts'
import { Fault } from '../kernel/index.ts'

const NAME = 'running.json'

/**
 * Takes a data folder for this process: two systems on one folder would take each other's place at the broker. `failed_precondition` / `FOLDER_IN_USE` names the process that has it;
 * one that died has left it.
 */
export async function lockFolder(runtime: Runtime, folder: string): Promise<{ release(): Promise<void> }> {
  const path = join(folder, NAME)
  await runtime.fs.makeFolder(folder)
  const owner = await folderOwner(runtime, folder)
  if (owner !== undefined && owner !== process.pid) {
    throw new Fault(
      'failed_precondition',
      `${folder} is in use by process ${owner}; stop it, or choose another folder with --data.`,
      {
        reason: 'FOLDER_IN_USE',
      },
    )
  }
  await runtime.fs.write(path, JSON.stringify({ pid: process.pid }))
  return { release: () => runtime.fs.remove(path) }
}

/** Id of the process that has a data folder; undefined: nobody has it, or who had it died. */
export async function folderOwner(runtime: Runtime, folder: string): Promise<number | undefined> {
  const bytes = await runtime.fs.read(join(folder, NAME))
  const owner = bytes === undefined ? undefined : ownerOf(new TextDecoder().decode(bytes))
  return owner !== undefined && isAlive(owner) ? owner : undefined
}

function ownerOf(text: string): number | undefined {
  try {
    const pid: unknown = (JSON.parse(text) as { pid?: unknown }).pid
    return typeof pid === 'number' ? pid : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined // cut short by a crash
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
