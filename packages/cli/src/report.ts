import { Fault, isFault } from 'trellis/kernel'
import { EXIT } from './exit-code.ts'
import { tell } from './terminal.ts'
import { USAGE } from './usage.ts'

/** Says on stderr why a command could not do its work, in one line where a line can say it; returns the exit code. */
export function report(
  error: unknown,
  options: { readonly json: boolean; readonly command: string | undefined },
): number {
  const { json, command } = options
  const code = isFault(error, USAGE) ? EXIT.usage : EXIT.failure
  if (json) {
    const { code: faultCode, reason, details } = Fault.from(error)
    const message = lines(error).join('\n')
    tell(JSON.stringify({ code: faultCode, reason, message, ...(details === undefined ? {} : { details }) }))
    return code
  }
  for (const line of lines(error)) tell(line)
  if (code === EXIT.usage) tell(`See trellis ${command === undefined ? '' : `${command} `}--help.`)
  return code
}

function lines(error: unknown): string[] {
  if (error instanceof AggregateError) return [error.message, ...error.errors.flatMap(lines)]
  if (!isFault(error)) return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
  // Whoever runs a system at the terminal is the one who needs the cause of what is unexpected.
  if (error.code === 'internal' && error.cause !== undefined) return [error.message, ...lines(error.cause)]
  return [error.message]
}
