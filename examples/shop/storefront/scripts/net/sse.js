/**
 * Reads Server-Sent Events (WHATWG HTML, section 9.2.6) from the body of a response. The browser's own EventSource can't send a bearer token.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} [onBytes] called for all that arrives, comments too: the connection lives
 */
export async function* readEvents(body, onBytes) {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  let event = { type: 'message', id: undefined, data: [] }
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return // an event without its blank line was cut off: it comes again after a reconnect
      onBytes?.()
      rest += decoder.decode(value, { stream: true })
      // A lone CR at the end may be half of a CR LF.
      const lines = rest.split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line !== '') {
          takeField(event, line)
          continue
        }
        if (event.data.length > 0) yield { type: event.type, id: event.id, data: event.data.join('\n') }
        event = { type: 'message', id: undefined, data: [] }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined) // closed already
  }
}

function takeField(event, line) {
  const colon = line.indexOf(':')
  if (colon === 0) return
  const name = colon < 0 ? line : line.slice(0, colon)
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
  if (name === 'event') event.type = value
  else if (name === 'id') event.id = value
  else if (name === 'data') event.data.push(value)
}
