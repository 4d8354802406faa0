import type { Fault } from '../../kernel/fault.ts'
import type { ServerMethod } from '../rpc.ts'

/** How items become bytes. */
export interface StreamFormat {
  readonly contentType: string
  item(method: ServerMethod, item: unknown): string
  /** The last thing that a stream says when it failed. */
  fault(fault: Fault): string
  /** Says nothing, so that the connection is seen to live; undefined where the format has no such thing. */
  readonly heartbeat: string | undefined
}
