import type { Handler, Target } from '../kernel/handler.ts'
import type { Passage, PassageRules } from './passage.ts'

/** Something that requests can lead to, ready to be run: an operation of a service, or a page of the gateway's own. */
export interface Place {
  readonly target: Target
  readonly rules: PassageRules
  /** The whole chain. Resolves when the answer is complete; rejects with its fault when it is one, answered or not yet. */
  readonly handler: Handler<Passage, void>
  /** Whether it matters who asks. */
  readonly identified: boolean
  /** Milliseconds that a request may take when its caller says nothing; undefined: no limit. */
  readonly timeoutMs: number | undefined
}
