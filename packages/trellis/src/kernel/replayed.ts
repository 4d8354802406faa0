import { type Attribute, attribute } from './context.ts'

/** Set on a call whose answer was given before, to the same caller under the same idempotency key, and is given again: its handler did not run. @internal */
export const replayed: Attribute<boolean> = attribute('trellis.replayed')
