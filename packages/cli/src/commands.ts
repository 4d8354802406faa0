import type { CommandEntry } from './command.ts'

/** The commands, in the order of the list that a person reads. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'dev',
    summary: 'Runs a whole system on this machine',
    load: async () => (await import('./commands/dev.ts')).dev,
  },
  {
    name: 'start',
    summary: 'Runs some services of a system, or its gateway, as one process',
    load: async () => (await import('./commands/start.ts')).start,
  },
  {
    name: 'check',
    summary: 'Checks the architecture of a system without running it',
    load: async () => (await import('./commands/check.ts')).check,
  },
  {
    name: 'call',
    summary: 'Calls an operation of a running system',
    load: async () => (await import('./commands/call.ts')).call,
  },
  {
    name: 'dead list',
    summary: 'Lists messages that were set aside, oldest first',
    load: async () => (await import('./commands/dead.ts')).deadList,
  },
  {
    name: 'dead show',
    summary: 'Shows one of them: data, cause, and each attempt',
    load: async () => (await import('./commands/dead.ts')).deadShow,
  },
  {
    name: 'dead redrive',
    summary: 'Gives messages back to their consumers, once what failed is mended',
    load: async () => (await import('./commands/dead.ts')).deadRedrive,
  },
  {
    name: 'dead drop',
    summary: 'Removes them for good',
    load: async () => (await import('./commands/dead.ts')).deadDrop,
  },
  {
    name: 'rebuild',
    summary: 'Builds a projection anew from the events of its service',
    load: async () => (await import('./commands/rebuild.ts')).rebuild,
  },
]
