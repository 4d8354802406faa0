import type { Finding } from './invariants.ts'

/** Things that break a sentence, at most, before the rest is counted. */
const SHOWN = 5

/** Findings as a table for people: what was checked, on how many things, and whether it holds. */
export function invariantsTable(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ sentence }) => sentence.length))
  const lines = findings.flatMap(({ invariant, sentence, checked, broken }) => {
    const number = invariant === 0 ? ' ' : String(invariant)
    const verdict = broken.length === 0 ? 'holds' : `BROKEN ${broken.length} times`
    const rest = broken.length > SHOWN ? [`      … and ${broken.length - SHOWN} more`] : []
    return [
      `  ${number}  ${sentence.padEnd(width)}  ${String(checked).padStart(7)}  ${verdict}`,
      ...broken.slice(0, SHOWN).map(line => `      ${line}`),
      ...rest,
    ]
  })
  return [`     ${'invariant'.padEnd(width)}  ${'checked'.padStart(7)}  verdict`, ...lines].join('\n')
}

/** Whether all hold. */
export function allHold(findings: readonly Finding[]): boolean {
  return findings.every(({ broken }) => broken.length === 0)
}
