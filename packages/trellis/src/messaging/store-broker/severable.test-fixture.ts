import { Fault } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'

/** A store that can be taken away, as death or a long pause takes it away from a process, and given back. */
export interface Severable {
  readonly store: Store
  sever(): void
  restore(): void
}

/** Makes a store severable. */
export function severable(store: Store): Severable {
  let dead = false
  const gone = (): Promise<never> => Promise.reject(new Fault('unavailable', 'The process is dead.'))
  return {
    sever() {
      dead = true
    },
    restore() {
      dead = false
    },
    store: {
      capabilities: store.capabilities,
      dialect: store.dialect,
      reader: {
        all: (text, ...values) => (dead ? gone() : store.reader.all(text, ...values)),
        get: (text, ...values) => (dead ? gone() : store.reader.get(text, ...values)),
        run: () => gone(),
      },
      transaction: (body, options) => (dead ? gone() : store.transaction(body, options)),
      now: () => store.now(),
      migrate: (module, migrations) => store.migrate(module, migrations),
      health: () => store.health(),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    },
  }
}
