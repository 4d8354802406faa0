// The code blocks of a Markdown page. The words behind the language say what becomes of one:
//
//   ts             type-checked, and run as a module of its own
//   ts file=NAME   kept under that name beside the other blocks of its page, for them to import; run when it is a test
//   ts no-run      type-checked alone
//   ts from=PATH   the same text as that file of the repository, which has tests of its own
//   sh run         run line by line in the root of the repository
//   text output    what the block before it prints
//
// Everything else is for people alone.

/** A fenced block. `line` is that of its first line of text, counted from 1. */
export interface Snippet {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly words: ReadonlySet<string>
  /** Value of `file=`. */
  readonly file: string | undefined
  /** Value of `from=`. */
  readonly from: string | undefined
  readonly text: string
  /** What it must print, when a `text output` block follows. */
  readonly output: string | undefined
}

const known: Readonly<Record<string, readonly string[]>> = {
  ts: ['no-run', 'file=', 'from='],
  sh: ['run'],
  text: ['output'],
}

/** The blocks of a page, in its order. Throws a `SyntaxError` that names the place of a block that never ends, or whose words mean nothing. */
export function snippetsOf(page: string, text: string): Snippet[] {
  const found: Snippet[] = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const info = /^```(.*)$/.exec(lines[at]!)?.[1]
    if (info === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end < 0) throw new SyntaxError(`${page}:${at + 1} the block that begins here has no end`)
    const block = `${lines.slice(at + 1, end).join('\n')}\n`
    const [language = '', ...words] = info.trim().split(/\s+/)
    const unknown = words.find(word => !(known[language] ?? []).includes(word.replace(/=.*/, '=')))
    if (unknown !== undefined)
      throw new SyntaxError(`${page}:${at + 1} "${unknown}" says nothing about a block of ${language}`)
    if (words.includes('output')) {
      const before = found.pop()
      if (before === undefined) throw new SyntaxError(`${page}:${at + 1} no block prints this`)
      found.push({ ...before, output: block })
    } else {
      const given = (name: string): string | undefined => words.find(word => word.startsWith(name))?.slice(name.length)
      found.push({
        page,
        line: at + 2,
        language,
        words: new Set(words),
        file: given('file='),
        from: given('from='),
        text: block,
        output: undefined,
      })
    }
    at = end
  }
  return found
}
