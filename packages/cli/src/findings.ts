import type { Finding, System } from 'trellis/system'
import { checkSystem } from 'trellis/system'

/** What was found in a system's architecture, as lines; and whether anything is wrong with it. */
export function inspect(system: System): {
  readonly findings: readonly Finding[]
  readonly lines: string[]
  readonly errors: number
} {
  const findings = checkSystem(system)
  const errors = findings.filter(({ level }) => level === 'error').length
  return { findings, errors, lines: findings.map(({ level, rule, message }) => `${level} ${rule}: ${message}`) }
}
