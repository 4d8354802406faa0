import type { Broker } from '../messaging/index.ts'
import { declarationOf } from '../messaging/index.ts'
import type { System } from './system.ts'

/**
 * Gives every service of a system its place at the broker, whichever of them run in this process: at the first start one publishes before another is up, and a
 * group hears what was published since it has its place.
 */
export async function declareTopics(broker: Broker, { services }: System): Promise<void> {
  const published = services.flatMap(({ publishes }) => publishes.map(({ name, kind }) => ({ name, kind })))
  const consumed = services.map(({ name, consumes }) => declarationOf(name, consumes))
  await broker.declare(
    [...consumed.flatMap(([topics]) => topics), ...published],
    consumed.flatMap(([, groups]) => groups),
  )
}
