import { Fault } from '../kernel/fault.ts'
import { formatPath } from './path.ts'
import type { Schema } from './schema.ts'
import { shapeOf } from './shape-of.ts'
import type { Violation } from './walk.ts'
import { compileWalk, MAX_VIOLATIONS } from './walk.ts'

/** Gives the value as its schema says, or throws a `Fault`. */
export type Validator<T> = (value: unknown) => T

/** What a validator is made for. */
export interface ValidatorOptions {
  /**
   * Whose mistake an invalid value is. `input`: the caller's, who is told every place (`invalid_argument`, `INVALID_INPUT`). `output`: that
   * of whoever made the value (`internal`, `INVALID_OUTPUT`), and the places are in the fault's cause, which does not leave the process.
   */
  readonly side: 'input' | 'output'
  /**
   * `refuse` for requests: a misspelt member must not be lost in silence. `ignore` for responses and events, so that old and new run
   * together. Default: `refuse` for input, `ignore` for output.
   */
  readonly unknownMembers?: 'refuse' | 'ignore'
  /**
   * Reads decimal strings in the place of integers beyond 32 bits, as protobuf's JSON writes them. The numbers are put into the given value,
   * so give it one of its own. Default: true for input, false for output.
   */
  readonly int64Strings?: boolean
}

/**
 * Compiles the check of a schema: unknown members at any depth, then the schema's own validation. Throws a `TypeError` for a schema that
 * can't serve (see `shapeOf`).
 *
 * Deeper nesting than 64 levels is refused. At most 20 violations are reported.
 */
export function validator<T>(schema: Schema<T>, options: ValidatorOptions): Validator<T> {
  const { side } = options
  const walk = compileWalk(shapeOf(schema), {
    unknownMembers: options.unknownMembers ?? (side === 'input' ? 'refuse' : 'ignore'),
    int64Strings: options.int64Strings ?? side === 'input',
  })
  const standard = schema['~standard']
  return value => {
    const violations: Violation[] = []
    const read = walk(value, violations)
    // What the walk has refused for its depth must not be handed on: the library would recurse into it.
    if (violations.length > 0) throw invalid(side, violations)
    const result = standard.validate(read)
    if (result instanceof Promise) throw asynchronous(result)
    if (result.issues === undefined) return result.value
    throw invalid(side, result.issues.slice(0, MAX_VIOLATIONS).map(toViolation))
  }
}

/** The fault of an input that is not as its contract says. */
export function invalidInput(violations: readonly Violation[]): Fault {
  return invalid('input', violations)
}

function invalid(side: 'input' | 'output', violations: readonly Violation[]): Fault {
  const [first] = violations
  const where = first === undefined || first.path === '' ? 'the value' : `'${first.path}'`
  const what = first === undefined ? 'is invalid' : first.message
  if (side === 'input') {
    return new Fault('invalid_argument', `The input is not as the contract says: ${where}: ${what}`, {
      reason: 'INVALID_INPUT',
      details: { violations },
    })
  }
  return new Fault('internal', 'The answer is not as the contract says; the log of the service holds the details.', {
    reason: 'INVALID_OUTPUT',
    cause: new TypeError(
      `The value is not as its schema says: ${violations.map(({ path, message }) => `${path === '' ? 'the value' : path}: ${message}`).join('; ')}`,
    ),
  })
}

function toViolation(issue: { readonly message: string; readonly path?: Parameters<typeof formatPath>[0] }): Violation {
  return { path: formatPath(issue.path), message: issue.message }
}

function asynchronous(result: Promise<unknown>): Fault {
  result.catch(() => undefined) // Nobody waits for it; a rejection must not end the process.
  return new Fault('internal', 'An unexpected error occurred; the log of the service holds its cause.', {
    reason: 'INTERNAL',
    cause: new TypeError('The schema validates asynchronously. Check in the handler what has to be waited for.'),
  })
}
