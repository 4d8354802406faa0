/** What a command is: data for its help, and a function. */

/** An option of a command. Booleans are flags; strings take a value. */
export interface Option {
  readonly type: 'boolean' | 'string'
  /** May be given more than once; its values come as a list. */
  readonly multiple?: boolean
  /** Names the value in the help, such as `PORT`. */
  readonly value?: string
  readonly about: string
}

/** Options by name, without the dashes. */
export type Options = Readonly<Record<string, Option>>

/** What was given for a set of options. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]?: O[Name] extends { readonly type: 'boolean' }
    ? boolean
    : O[Name] extends { readonly multiple: true }
      ? readonly string[]
      : string
}

/** One use of a command. */
export interface Invocation<O extends Options = Options> {
  readonly values: Values<O>
  readonly operands: readonly string[]
}

/** A command line to learn from. */
export interface Example {
  readonly line: string
  readonly about: string
}

/** What a command takes and does. */
export interface CommandDefinition<O extends Options = Options> {
  /** What stands behind the name: `[SYSTEM]`, `ID...`. */
  readonly operands: string
  /** How many operands it takes: at least, at most. */
  readonly operandCount: readonly [least: number, most: number]
  /** What one should know before using it; paragraphs. */
  readonly about: readonly string[]
  readonly options: O
  readonly examples: readonly Example[]
  /** Resolves with the exit code. */
  run(invocation: Invocation<O>): Promise<number>
}

/** A command as the list of commands has it. */
export interface CommandEntry {
  /** Such as `dev` or `dead list`. */
  readonly name: string
  /** One line. */
  readonly summary: string
  /** Imports the rest: what no command needs but this one is not loaded for the others. */
  load(): Promise<CommandDefinition>
}

/** A command, whole. */
export interface Command extends CommandDefinition {
  readonly name: string
  readonly summary: string
}

/** Defines a command, with the types of its options. */
export function command<const O extends Options>(definition: CommandDefinition<O>): CommandDefinition {
  return definition as unknown as CommandDefinition
}
