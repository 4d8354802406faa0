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
  const started = await startOf(runtime, process.pid)
  await runtime.fs.write(path, JSON.stringify({ pid: process.pid, started }))
  return { release: () => runtime.fs.remove(path) }
}

/** Id of the process that has a data folder; undefined: nobody has it, or who had it died. */
export async function folderOwner(runtime: Runtime, folder: string): Promise<number | undefined> {
  const bytes = await runtime.fs.read(join(folder, NAME))
  const owner = bytes === undefined ? undefined : ownerOf(new TextDecoder().decode(bytes))
  if (owner === undefined || !isAlive(owner.pid)) return undefined
  // After a restart of the machine or its container the id may be somebody else's.
  const started = await startOf(runtime, owner.pid)
  const reused = owner.started !== undefined && started !== undefined && owner.started !== started
  return reused ? undefined : owner.pid
}

interface Owner {
  readonly pid: number
  /** When it was started, as `startOf` tells it; undefined where the system does not. */
  readonly started: string | undefined
}

function ownerOf(text: string): Owner | undefined {
  try {
    const { pid, started } = JSON.parse(text) as { pid?: unknown; started?: unknown }
    if (typeof pid !== 'number') return undefined
    return { pid, started: typeof started === 'string' ? started : undefined }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined // cut short by a crash
    throw error
  }
}

/** Tells a process from another that has its id later: the boot of the machine and the tick of its start (proc(5), `stat` field 22). Undefined where the system does not tell. */
async function startOf(runtime: Runtime, pid: number): Promise<string | undefined> {
  const files = ['/proc/sys/kernel/random/boot_id', `/proc/${pid}/stat`]
  // Other systems have no such files, and a hardened one hides them.
  const [boot, stat] = await Promise.all(files.map(path => runtime.fs.read(path).catch(() => undefined)))
  if (boot === undefined || stat === undefined) return undefined
  const text = new TextDecoder()
  // The name before the last bracket may hold anything.
  const tick = text.decode(stat).split(') ').at(-1)?.split(' ')[19]
  return `${text.decode(boot).trim()} ${tick}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
