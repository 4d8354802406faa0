import type { Balancer, Pick } from '../discovery.ts'

const done = (): void => undefined

/**
 * Instances in turn. Those to avoid are passed over; when all are, the turn decides, since any instance is better than none.
 * `random` (uniform in [0, 1)) sets where the first turn starts: without it every new client would begin with the same instance.
 */
export function roundRobin(random: () => number): Balancer {
  let turn = Math.floor(random() * 2 ** 30)
  return {
    pick(instances, avoid): Pick {
      const count = instances.length
      if (count === 0) throw new RangeError('There is no instance to choose from; ask for one only when there is.')
      const first = turn++ % count
      if (avoid.size > 0) {
        for (let step = 0; step < count; step++) {
          const index = (first + step) % count
          const instance = instances[index]!
          if (avoid.has(instance.id)) continue
          turn += step
          return { instance, done }
        }
      }
      return { instance: instances[first]!, done }
    },
  }
}
