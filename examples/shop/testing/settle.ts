import type { ClientRecord } from './client-record.ts'
import type { Finding } from './invariants.ts'
import { checkInvariants } from './invariants.ts'
import { allHold } from './invariants-table.ts'

/** Pause between two looks, in milliseconds. */
const LOOK_MS = 250
/** Looks in a row that must find everything in its place: something doubled may come late. */
const CALM_LOOKS = 4

/** Waits until the shop has done what it was asked for and the invariants hold; when it has not got on for `stuckMs`, what is broken then. */
export async function settle(folder: string, record: ClientRecord | undefined, stuckMs: number): Promise<Finding[]> {
  let end = Date.now() + stuckMs
  let least = Number.POSITIVE_INFINITY
  for (let calm = 0; ; ) {
    const findings = await checkInvariants(folder, record)
    const broken = findings.reduce((sum, finding) => sum + finding.broken.length, 0)
    if (broken < least) end = Date.now() + stuckMs
    least = Math.min(least, broken)
    calm = allHold(findings) ? calm + 1 : 0
    if (calm === CALM_LOOKS || Date.now() > end) return findings
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
}
