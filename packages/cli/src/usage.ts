import { parseArgs } from 'node:util'
import { Fault } from 'trellis/kernel'
import type { Command, Invocation, Options } from './command.ts'

/** Reason of faults that are the mistake of whoever typed the command. */
export const USAGE = 'USAGE'

/** The command was typed wrongly; the message says how to type it. */
export function usage(message: string): Fault {
  return new Fault('invalid_argument', message, { reason: USAGE })
}

/** Reads what stands behind a command's name; a fault with reason `USAGE` when it makes no sense. */
export function parseInvocation(command: Command, args: readonly string[]): Invocation {
  const { values, positionals } = parse(command, args)
  const [least, most] = command.operandCount
  const [extra] = positionals.slice(most)
  if (extra !== undefined) throw usage(`trellis ${command.name} does not know what to do with "${extra}".`)
  if (positionals.length < least) throw usage(`trellis ${command.name} needs ${command.operands}.`)
  return { values, operands: positionals }
}

function parse(command: Command, args: readonly string[]): { values: Invocation['values']; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  )
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    return { ...parsed, values: parsed.values as Invocation['values'] }
  } catch (error) {
    throw readable(error, command)
  }
}

function readable(error: unknown, { name, options }: Command): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ERR_PARSE_ARGS_UNKNOWN_OPTION': {
      const given = /'(-[^']*)'/.exec(message)?.[1] ?? 'that'
      return usage(`trellis ${name} has no option ${given}; it has ${optionNames(options)}.`)
    }
    case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE':
      // Node says which option, and what it lacks or has too much.
      return usage(`trellis ${name}: ${message.split('\n', 1)[0]?.replace(/\.$/, '')}.`)
    default:
      return error
  }
}

function optionNames(options: Options): string {
  const names = [...Object.keys(options), 'help'].map(name => `--${name}`)
  return `${names.slice(0, -1).join(', ')}${names.length > 1 ? ' and ' : ''}${names.at(-1)}`
}

/** Reads a whole number from `least` to `most`. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw usage(`--${option} is "${text}"; give a whole number from ${least} to ${most}.`)
}
