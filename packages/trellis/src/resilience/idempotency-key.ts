import type { Attribute } from '../kernel/context.ts'
import { attribute } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'

/** The idempotency key of the call, as its caller chose it. Sent and received as the header `idempotency-key`. */
export const idempotencyKey: Attribute<string | undefined> = attribute('idempotency-key')

const KEY = /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/

/** Returns a key that is 1 to 255 printable ASCII characters; anything else is `invalid_argument` / `INVALID_IDEMPOTENCY_KEY`. */
export function checkIdempotencyKey(key: string): string {
  if (KEY.test(key)) return key
  throw new Fault('invalid_argument', 'An idempotency key is 1 to 255 printable ASCII characters, such as a UUID.', {
    reason: 'INVALID_IDEMPOTENCY_KEY',
  })
}
