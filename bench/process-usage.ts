/** What a process uses, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks of `/proc/PID/stat` are hundredths of a second on every Linux that Node runs on. */
const TICK_US = 10_000

/** CPU time that a process has used, all threads, in microseconds. Counted in steps of 10 ms. */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}

/** Memory of a process. */
export interface Memory {
  /** Pages in memory, shared ones included, in MB (10^6 bytes). */
  readonly rssMb: number
  /** The same with each shared page divided by those that share it. */
  readonly pssMb: number
}

/** Memory of a process now. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const megabytes = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024) / 1e6
  return { rssMb: megabytes('Rss'), pssMb: megabytes('Pss') }
}

/** Processes started by a process. */
export function childrenOf(pid: number): number[] {
  const children: number[] = []
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
    for (const child of text.split(' ')) if (child.trim() !== '') children.push(Number(child))
  }
  return children
}

/** Arguments of a process. */
export function argumentsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
}
