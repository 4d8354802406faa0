import { randomBytes } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { CancelTimer } from './clock.ts'
import type { File, FileSystem } from './runtime.ts'
import { diskFault, errorCode } from './runtime-fault.ts'

/** The disk of this machine. */
export const nodeFiles: FileSystem = {
  read: path =>
    guarded(path, async () => {
      try {
        return await readFile(path)
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined
        throw error
      }
    }),
  write: (path, bytes, options) =>
    guarded(path, async () => {
      const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
      try {
        const handle = await open(temporary, 'wx', options?.mode ?? 0o600)
        try {
          await handle.writeFile(bytes)
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(temporary, path)
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined) // why the write failed is the news
        throw error
      }
      await syncFolder(dirname(path))
    }),
  open: path =>
    guarded(path, async () => {
      const handle = await open(path, 'a+')
      // datasync makes the data durable, not the name of a file that was just made.
      if ((await handle.stat()).size === 0) await syncFolder(dirname(path))
      return openFile(handle, path)
    }),
  remove: path =>
    guarded(path, async () => {
      await rm(path, { recursive: true, force: true })
      await syncFolder(dirname(path)).catch((error: unknown) => {
        if (errorCode(error) !== 'ENOENT') throw error // nothing was there, not even the folder
      })
    }),
  makeFolder: path =>
    guarded(path, async () => {
      const first = await mkdir(path, { recursive: true, mode: 0o700 })
      if (first === undefined) return
      const top = resolve(first)
      let folder = resolve(path)
      for (; folder !== top; folder = dirname(folder)) await syncFolder(dirname(folder))
      await syncFolder(dirname(top))
    }),
  watch: watchFile,
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw diskFault(error, path)
  }
}

/** A name (made, replaced or removed) is durable only once the folder that holds it is. */
async function syncFolder(path: string): Promise<void> {
  // Windows cannot flush a folder; NTFS keeps names in a journal of its own.
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function openFile(handle: FileHandle, path: string): File {
  return {
    append: bytes => guarded(path, () => handle.appendFile(bytes)),
    datasync: () => guarded(path, () => handle.datasync()),
    size: () => guarded(path, async () => (await handle.stat()).size),
    truncate: () => guarded(path, () => handle.truncate(0)),
    [Symbol.asyncDispose]: () => guarded(path, () => handle.close()),
  }
}

/**
 * Watches a name. The system watches a file, so after the name went to another file (each `write` does that) the old watch is blind and
 * a new one is needed; as long as there is no file, its folder is watched. Only then: in the folder of a database every commit
 * would wake it.
 */
function watchFile(path: string, changed: () => void): CancelTimer {
  let watcher: FSWatcher | undefined
  let stopped = false

  const use = (next: FSWatcher): void => {
    watcher?.close()
    watcher = next
    // A lost watch costs latency and nothing else, since whoever watches also polls.
    next.on('error', () => next.close())
  }
  const watchTheFile = (): void =>
    use(
      watch(path, { persistent: false }, event => {
        if (event === 'rename') renew()
        else changed()
      }),
    )
  const watchTheFolder = (): void =>
    use(
      watch(dirname(path), { persistent: false }, (_event, name) => {
        if (name === null || name === basename(path)) renew()
      }),
    )
  const watchWhatIsThere = (): void => {
    if (unlessMissing(watchTheFile)) return
    watchTheFolder()
    // It may have been made between the two.
    unlessMissing(watchTheFile)
  }
  const renew = (): void => {
    if (stopped) return
    // The folder went away as well: a lost watch.
    if (!unlessMissing(watchWhatIsThere)) watcher?.close()
    changed()
  }

  try {
    watchWhatIsThere()
  } catch (error) {
    throw diskFault(error, path)
  }
  return () => {
    stopped = true
    watcher?.close()
  }
}

/** Runs `work`; false when what it needs is not there. */
function unlessMissing(work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}
