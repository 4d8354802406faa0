/** Where words go: what was asked for to stdout, everything about it to stderr. */

/** Prints a line of the answer. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints a line about the answer, or about why there is none. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`)
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
