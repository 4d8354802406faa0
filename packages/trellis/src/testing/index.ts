export type { DiskOperation, DiskTrouble, VirtualFileSystem } from './virtual-files.ts'
export type { VirtualNet, Where } from './virtual-net.ts'
export type { VirtualRuntime, VirtualRuntimeOptions } from './virtual-runtime.ts'
export { createVirtualRuntime } from './virtual-runtime.ts'
