const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const LITERAL = /true|false|null/y
const SPACE = /[ \t\n\r]*/y

/**
 * Position (UTF-16 code units from 0) of the token with which a text stops being JSON; its length when it only ends too early.
 * `JSON.parse` does not always say, and where it does it repeats the text. Runs after a failure only; linear, without recursion.
 */
export function locateJsonError(text: string): number {
  const open: ('{' | '[')[] = []
  let at = 0
  let expected: 'value' | 'first' | 'name' | 'next' | 'nothing' = 'value'
  for (;;) {
    at = match(SPACE, at) ?? at
    const char = text[at]
    if (char === undefined) return at
    const container = open.at(-1)
    if (expected === 'nothing') return at
    if ((expected === 'next' || expected === 'first') && char === (container === '{' ? '}' : ']')) {
      open.pop()
      at++
      expected = open.length === 0 ? 'nothing' : 'next'
    } else if (expected === 'next') {
      if (char !== ',') return at
      at++
      expected = container === '{' ? 'name' : 'value'
    } else if (expected === 'name' || (expected === 'first' && container === '{')) {
      const end = matchString(at)
      if (end === undefined) return at
      at = match(SPACE, end) ?? end
      if (text[at] !== ':') return at
      at++
      expected = 'value'
    } else if (char === '{' || char === '[') {
      open.push(char)
      at++
      expected = 'first'
    } else {
      const end = char === '"' ? matchString(at) : match(/[-0-9]/.test(char) ? NUMBER : LITERAL, at)
      if (end === undefined) return at
      at = end
      expected = open.length === 0 ? 'nothing' : 'next'
    }
  }

  /** By hand: a regular expression would need a stack as long as the string. */
  function matchString(from: number): number | undefined {
    if (text[from] !== '"') return undefined
    for (let index = from + 1; index < text.length; index++) {
      const char = text[index]!
      if (char === '"') return index + 1
      if (char < ' ') return undefined
      if (char !== '\\') continue
      const end = match(ESCAPE, index)
      if (end === undefined) return undefined
      index = end - 1
    }
    return undefined
  }

  function match(token: RegExp, from: number): number | undefined {
    token.lastIndex = from
    return token.test(text) ? token.lastIndex : undefined
  }
}
