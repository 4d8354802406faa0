/** One end of a virtual connection: a `Duplex` that speaks in segments, with a window, an orderly end and resets as TCP has. */
import { Duplex } from 'node:stream'

/** What travels between two ends. `ack` gives the sender room again. */
export type Segment =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'ack'; readonly bytes: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset' }

/** Bytes that may be on the way or unread before a writer has to wait: the usual size of a socket's buffer. */
const WINDOW = 65_536

/** An end: the stream its owner sees, and where the other end's segments arrive. */
export interface SocketEnd {
  readonly stream: Duplex
  receive(segment: Segment): void
}

/** Makes an end that sends its segments by `send`. */
export function createSocketEnd(send: (segment: Segment) => void): SocketEnd {
  const unread: Uint8Array[] = []
  let wanted = false
  let peerEnded = false
  let sentEnd = false
  let wasReset = false
  let onTheWay = 0
  let resume: (() => void) | undefined

  const pass = (): void => {
    while (wanted) {
      const bytes = unread.shift()
      if (bytes === undefined) break
      send({ kind: 'ack', bytes: bytes.length })
      wanted = stream.push(bytes)
    }
    if (peerEnded && unread.length === 0) {
      peerEnded = false
      stream.push(null)
    }
  }

  const stream = new Duplex({
    allowHalfOpen: false,
    read() {
      wanted = true
      pass()
    },
    write(chunk: Uint8Array, _encoding, done) {
      onTheWay += chunk.length
      send({ kind: 'data', bytes: Uint8Array.from(chunk) })
      if (onTheWay <= WINDOW) done()
      else resume = done
    },
    final(done) {
      sentEnd = true
      send({ kind: 'end' })
      done()
    },
    destroy(error, done) {
      // Closing with unread bytes tells the sender that they were not taken, as TCP does.
      if (!wasReset && unread.length > 0) send({ kind: 'reset' })
      else if (!wasReset && !sentEnd) send({ kind: 'end' })
      done(error)
    },
  })

  const receive = (segment: Segment): void => {
    switch (segment.kind) {
      case 'data':
        if (stream.destroyed) {
          send({ kind: 'reset' })
          break
        }
        unread.push(segment.bytes)
        pass()
        break
      case 'ack': {
        onTheWay -= segment.bytes
        if (resume === undefined || onTheWay > WINDOW) break
        const done = resume
        resume = undefined
        done()
        break
      }
      case 'end':
        peerEnded = true
        if (!stream.destroyed) pass()
        break
      case 'reset':
        wasReset = true
        stream.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    }
  }

  return { stream, receive }
}
