/** Where words go: what was asked for to stdout, everything about it to stderr. */

/** Prints a line of the answer. */
export function print(line: string): void {
  process.stdout.write(`${harmless(line)}\n`)
}

/** Prints a line about the answer, or about why there is none. */
export function tell(line: string): void {
  process.stderr.write(`${harmless(line)}\n`)
}

// Line feeds and tabs alone of the controls, and no marks that reorder text.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text that can't move the cursor, colour the terminal or show itself in another order: much of what is printed was written by customers. Stays JSON where it was. */
export function harmless(text: string): string {
  return text.replace(UNSAFE, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Prints a value as JSON on one line, for scripts. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value))
}

/** A reader such as `head` may leave early: that is its right, and no error. */
export function letReadersLeave(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
}

/** Rows in columns as wide as their longest cell; the last is as long as it is. */
export function columns(rows: readonly (readonly string[])[], indent = ''): string[] {
  const count = Math.max(0, ...rows.map(row => row.length))
  const widths = Array.from({ length: count }, (_, index) => Math.max(...rows.map(row => row[index]?.length ?? 0)))
  return rows.map(row =>
    `${indent}${row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join('  ')}`.trimEnd(),
  )
}
