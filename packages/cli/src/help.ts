import type { Command, CommandEntry } from './command.ts'
import { columns } from './terminal.ts'

/** Help of one command: what it does, how it is typed, what else it takes, and lines to try. */
export function commandHelp(command: Command): string {
  const { name, summary, operands, about, options, examples } = command
  const flags = [
    ...Object.entries(options).map(([option, { value, about: text }]) => [
      `--${option}${value === undefined ? '' : ` ${value}`}`,
      text,
    ]),
    ['--help', 'this text'],
  ]
  return [
    `${summary}.`,
    '',
    `  trellis ${[name, operands, '[options]'].filter(Boolean).join(' ')}`,
    ...about.flatMap(paragraph => ['', ...wrapped(paragraph)]),
    '',
    'Options',
    ...columns(flags, '  '),
    '',
    'Examples',
    ...examples.flatMap(({ line, about: text }) => [`  ${line}`, `      ${text}`]),
  ].join('\n')
}

/** The list of commands; of those alone whose name begins with `group`, when it is given. */
export function overview(commands: readonly CommandEntry[], group?: string): string {
  const shown = commands.filter(({ name }) => group === undefined || name.startsWith(`${group} `))
  return [
    group === undefined
      ? 'trellis runs systems of services, and looks after them.'
      : `trellis ${group} has these commands.`,
    '',
    'Commands',
    ...columns(
      shown.map(({ name, summary }) => [name, summary]),
      '  ',
    ),
    '',
    `See trellis ${group === undefined ? '' : `${group} `}COMMAND --help for what one does, with examples.`,
    ...(group === undefined
      ? [
          'SYSTEM is the file that declares a system; default: system.ts in this folder.',
          'Exit codes: 0 done, 1 could not do it, 2 typed wrongly.',
        ]
      : []),
  ].join('\n')
}

const WIDTH = 92

function wrapped(text: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > WIDTH) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
