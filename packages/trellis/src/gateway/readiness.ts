import { Fault } from '../kernel/fault.ts'
import type { Upstream } from './upstream.ts'

/**
 * The readiness of what is behind a gateway. Fails until every service was seen once; from then on only while none of them is there: a gateway that closes
 * for one service that is away would take the others with it.
 */
export function createReadiness(upstreams: ReadonlyMap<string, Upstream>): () => Promise<void> {
  const unseen = new Set(upstreams.keys())
  return async () => {
    const away: string[] = []
    await Promise.all(
      [...upstreams].map(([service, upstream]) =>
        upstream.check().then(
          () => void unseen.delete(service),
          () => void away.push(service), // the message below names it
        ),
      ),
    )
    if (unseen.size > 0) throw missing([...unseen])
    if (upstreams.size > 0 && away.length === upstreams.size) throw missing(away)
  }
}

function missing(services: string[]): Fault {
  return new Fault('unavailable', `No instance of ${services.sort().join(', ')} is known.`, { reason: 'NO_INSTANCE' })
}
