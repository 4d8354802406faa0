/**
 * A disk in memory. Each operation takes a turn; names (files made, replaced, removed) are durable when its promise resolves,
 * appended bytes when a `datasync` after them has resolved.
 */
import { dirname, parse, resolve, sep } from 'node:path'
import type { CancelTimer, File, FileSystem, Timers } from '../kernel/index.ts'
import { diskFault } from '../kernel/runtime-fault.ts'
import { VirtualFile } from './virtual-file.ts'
import type { Generator } from './virtual-random.ts'

/** What can be made to fail or to take long. `append`, `datasync`, `size` and `truncate` are those of an open file. */
export type DiskOperation =
  | 'read'
  | 'write'
  | 'open'
  | 'append'
  | 'datasync'
  | 'size'
  | 'truncate'
  | 'remove'
  | 'makeFolder'

/** Trouble to make. */
export interface DiskTrouble {
  readonly operation: DiskOperation
  /** Default: every path. */
  readonly path?: string
  /** The system error to fail with. Default: none, so that the operation only takes its `delayMs`. */
  readonly code?: 'EIO' | 'ENOSPC' | 'EACCES' | 'EROFS'
  /** Virtual milliseconds that the operation takes. Default 0. */
  readonly delayMs?: number
  /** How often. Default: until taken back. */
  readonly times?: number
}

/** The disk of a virtual runtime, and what can happen to it. */
export interface VirtualFileSystem extends FileSystem {
  /** Makes operations fail or take long. Returns a function that takes it back. A failed `datasync` loses what it should have flushed. */
  trouble(trouble: DiskTrouble): () => void
  /** Sets how many bytes fit; what would not fit fails with `DISK_FULL`, an append after as many bytes as do fit. Default: no limit. */
  limit(maxBytes: number): void
  /** Cuts the power: what was not flushed may be lost or torn, running operations fail, open files are dead, watches are gone. */
  crash(): void
}

interface Trouble {
  readonly on: DiskTrouble
  left: number
}

/** Makes an empty disk that has the root folder only. */
export function createVirtualFileSystem(timers: Timers, random: Generator): VirtualFileSystem {
  const files = new Map<string, VirtualFile>()
  const folders = new Set<string>()
  const watches = new Map<string, Set<() => void>>()
  const troubles = new Set<Trouble>()
  let capacity = Number.POSITIVE_INFINITY
  let crashes = 0

  const isFolder = (path: string): boolean => folders.has(path) || path === parse(path).root

  const fail = (code: string, path: string): never => {
    throw diskFault(Object.assign(new Error(code), { code }), path)
  }

  const take = (operation: DiskOperation, path: string): DiskTrouble | undefined => {
    for (const trouble of troubles) {
      const { on } = trouble
      if (on.operation !== operation || (on.path !== undefined && resolve(on.path) !== path)) continue
      if (--trouble.left === 0) troubles.delete(trouble)
      return on
    }
    return undefined
  }

  /** Lets the operation take its time; fails when the power went meanwhile, or as trouble wants it. */
  const run = async (operation: DiskOperation, path: string, since: number = crashes): Promise<void> => {
    const trouble = take(operation, path)
    const delayMs = trouble?.delayMs ?? 0
    await new Promise<void>(done => (delayMs > 0 ? timers.after(delayMs, done) : timers.turn(done)))
    if (since !== crashes) fail('EIO', path)
    if (trouble?.code !== undefined) fail(trouble.code, path)
  }

  const free = (): number => {
    let used = 0
    for (const file of files.values()) used += file.size
    return capacity - used
  }

  const changed = (path: string): void => {
    for (const watch of watches.get(path) ?? []) {
      timers.turn(() => {
        if (watches.get(path)?.has(watch)) watch()
      })
    }
  }

  const openFile = (file: VirtualFile, path: string): File => {
    const opened = crashes
    let closed = false
    const begin = (operation: DiskOperation): Promise<void> => {
      if (closed) fail('EBADF', path)
      return run(operation, path, opened)
    }
    return {
      async append(data) {
        const bytes = toBytes(data)
        await begin('append')
        const room = Math.max(0, free())
        file.append(bytes.subarray(0, room))
        changed(path)
        if (bytes.length > room) fail('ENOSPC', path)
      },
      async datasync() {
        const done = file.flush()
        try {
          await begin('datasync')
        } catch (error) {
          if (opened === crashes && !closed) done(false)
          throw error
        }
        done(true)
      },
      async size() {
        await begin('size')
        return file.size
      },
      async truncate() {
        await begin('truncate')
        file.truncate()
        changed(path)
      },
      [Symbol.asyncDispose]() {
        closed = true
        return Promise.resolve()
      },
    }
  }

  return {
    async read(name) {
      const path = resolve(name)
      await run('read', path)
      if (isFolder(path)) fail('EISDIR', path)
      return files.get(path)?.read()
    },
    async write(name, data) {
      const path = resolve(name)
      const bytes = toBytes(data)
      await run('write', path)
      if (!isFolder(dirname(path))) fail('ENOENT', path)
      if (isFolder(path)) fail('EISDIR', path)
      if (bytes.length > free()) fail('ENOSPC', path)
      files.set(path, new VirtualFile(bytes))
      changed(path)
    },
    async open(name) {
      const path = resolve(name)
      await run('open', path)
      if (!isFolder(dirname(path))) fail('ENOENT', path)
      if (isFolder(path)) fail('EISDIR', path)
      const file = files.get(path) ?? new VirtualFile()
      if (!files.has(path)) {
        files.set(path, file)
        changed(path)
      }
      return openFile(file, path)
    },
    async remove(name) {
      const path = resolve(name)
      await run('remove', path)
      for (const other of [...files.keys()]) {
        if (other !== path && !other.startsWith(path + sep)) continue
        files.delete(other)
        changed(other)
      }
      for (const other of [...folders]) if (other === path || other.startsWith(path + sep)) folders.delete(other)
    },
    async makeFolder(name) {
      const path = resolve(name)
      await run('makeFolder', path)
      for (let folder = path; !isFolder(folder); folder = dirname(folder)) {
        if (files.has(folder)) fail('EEXIST', folder)
        folders.add(folder)
      }
    },
    watch(name, listener): CancelTimer {
      const path = resolve(name)
      if (!isFolder(dirname(path))) fail('ENOENT', path)
      const watch = (): void => listener()
      const listeners = watches.get(path) ?? new Set()
      watches.set(path, listeners.add(watch))
      return () => void listeners.delete(watch)
    },
    trouble(on) {
      const trouble: Trouble = { on, left: on.times ?? Number.POSITIVE_INFINITY }
      troubles.add(trouble)
      return () => void troubles.delete(trouble)
    },
    limit(maxBytes) {
      capacity = maxBytes
    },
    crash() {
      crashes++
      watches.clear()
      for (const file of files.values()) file.crash(random)
    },
  }
}

/** A copy: the caller may reuse its buffer. (`slice` of a Buffer would not be one.) */
function toBytes(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : Uint8Array.from(data)
}
