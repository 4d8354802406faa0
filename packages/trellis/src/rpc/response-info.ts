import type { Attribute, Context } from '../kernel/context.ts'
import { attribute } from '../kernel/context.ts'

/** What an answer has beside its output. Filled in by the side that answers. */
export interface ResponseInfo {
  /** HTTP status of success, for an operation that declares several. */
  status?: number
}

/** Where the current call keeps what its answer has beside its output; set by servers, and by clients that were asked for it. */
export const responseInfo: Attribute<ResponseInfo | undefined> = attribute('response-info')

/**
 * Chooses the HTTP status of a successful answer, among those that the operation declares; any other is an `internal` fault. Without it the
 * first one is sent.
 *
 * @example
 * respondWith(ctx, existed ? 200 : 201)
 */
export function respondWith(ctx: Context, status: number): void {
  const info = ctx.get(responseInfo)
  if (info !== undefined) info.status = status
}
