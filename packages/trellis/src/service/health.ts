import type { Runtime } from '../kernel/index.ts'
import { Fault } from '../kernel/index.ts'

/** What readiness looks at. A check that throws, or takes longer than its time, is not healthy. */
export type Check = () => Promise<void>

/** One check's result. */
export interface CheckResult {
  readonly name: string
  readonly healthy: boolean
  readonly message?: string
  readonly tookMs: number
}

/** What `/readyz` answers. */
export interface HealthReport {
  readonly healthy: boolean
  readonly checks: readonly CheckResult[]
  /** RFC 3339, UTC. */
  readonly timestamp: string
}

/** A check that takes longer is not healthy, in milliseconds: shorter than the second that probes wait by default. */
const CHECK_TIMEOUT_MS = 800

/** Runs all checks at once. */
export async function runChecks(runtime: Runtime, checks: Readonly<Record<string, Check>>): Promise<HealthReport> {
  const results = await Promise.all(Object.entries(checks).map(([name, check]) => runCheck(runtime, name, check)))
  return {
    healthy: results.every(({ healthy }) => healthy),
    checks: results,
    timestamp: new Date(runtime.clock.now()).toISOString(),
  }
}

async function runCheck(runtime: Runtime, name: string, check: Check): Promise<CheckResult> {
  const started = runtime.clock.monotonic()
  const took = (): number => Math.round((runtime.clock.monotonic() - started) * 10) / 10
  try {
    await within(runtime, check())
    return { name, healthy: true, tookMs: took() }
  } catch (error) {
    return { name, healthy: false, message: Fault.from(error).message, tookMs: took() }
  }
}

function within(runtime: Runtime, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = runtime.timers.after(CHECK_TIMEOUT_MS, () =>
      reject(new Fault('deadline_exceeded', `No answer within ${CHECK_TIMEOUT_MS} ms.`, { reason: 'CHECK_TIMEOUT' })),
    )
    work.finally(cancel).then(resolve, reject)
  })
}
