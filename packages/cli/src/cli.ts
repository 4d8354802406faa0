import type { CommandEntry } from './command.ts'
import { COMMANDS } from './commands.ts'
import { EXIT } from './exit-code.ts'
import { commandHelp, overview } from './help.ts'
import { report } from './report.ts'
import { letReadersLeave, print, tell } from './terminal.ts'
import { parseInvocation, usage } from './usage.ts'
import { version } from './version.ts'

/** Runs a command line, without the words `node` and `trellis`; resolves with the exit code. Never rejects. */
export async function runCli(args: readonly string[]): Promise<number> {
  letReadersLeave()
  const asksHelp = args.includes('--help') || args.includes('-h') || args[0] === 'help'
  const words = args[0] === 'help' ? args.slice(1) : args
  const entry = findCommand(words)
  try {
    if (entry === undefined) return withoutCommand(words, asksHelp)
    const { name, summary } = entry
    const command = { name, summary, ...(await entry.load()) }
    if (asksHelp) {
      print(commandHelp(command))
      return EXIT.ok
    }
    return await command.run(parseInvocation(command, words.slice(name.split(' ').length)))
  } catch (error) {
    return report(error, { json: args.includes('--json'), command: entry?.name })
  }
}

function findCommand(words: readonly string[]): CommandEntry | undefined {
  return COMMANDS.find(({ name }) => name.split(' ').every((word, index) => words[index] === word))
}

function withoutCommand(words: readonly string[], asksHelp: boolean): number {
  const [word] = words
  if (word === '--version' || word === '-v') {
    print(version())
    return EXIT.ok
  }
  const group = COMMANDS.some(({ name }) => name.startsWith(`${word} `)) ? word : undefined
  const known = word === undefined || word.startsWith('-') || group !== undefined
  if (!known) throw usage(`There is no command "${word}"; there are ${commandNames()}.`)
  const unknownWord = group === undefined ? undefined : words.slice(1).find(other => !other.startsWith('-'))
  if (unknownWord !== undefined) throw usage(`There is no command "${group} ${unknownWord}".`)
  if (asksHelp) {
    print(overview(COMMANDS, group))
    return EXIT.ok
  }
  if (word?.startsWith('-')) throw usage(`trellis has no option ${word} before the command.`)
  tell(overview(COMMANDS, group))
  return EXIT.usage
}

function commandNames(): string {
  return [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0]))].join(', ')
}
