/** Dead letters: messages that a consumer failed at again and again, set aside with the cause and the history of its attempts. */
import { createRuntime, Fault } from 'trellis/kernel'
import type { BrokerAdmin, DeadLetter } from 'trellis/messaging'
import { openBrokerAdmin } from 'trellis/system'
import type { CommandDefinition, Values } from '../command.ts'
import { command } from '../command.ts'
import { existingData } from '../data-folder.ts'
import { EXIT } from '../exit-code.ts'
import { columns, print, printJson, tell } from '../terminal.ts'
import { usage, wholeNumber } from '../usage.ts'

const PLACE = {
  system: { type: 'string', value: 'SYSTEM', about: 'the file that declares the system (system.ts)' },
  data: { type: 'string', value: 'DIR', about: 'its data folder (.trellis/NAME); then SYSTEM is not needed' },
  json: { type: 'boolean', about: 'JSON, for scripts' },
} as const
const FILTER = {
  group: { type: 'string', value: 'GROUP', about: 'those of one group: the name of the consuming service' },
  topic: { type: 'string', value: 'TOPIC', about: 'those of one event or message, by its full name' },
} as const
const ALL = { all: { type: 'boolean', about: 'all of them, or all that --group and --topic leave' } } as const
const BESIDE = 'Works on the data folder, whether the system runs or rests: the broker takes several processes at once.'

/** Most dead letters that one command takes in hand. */
const MOST = 100_000

/** `trellis dead list` */
export const deadList: CommandDefinition = command({
  operands: '',
  operandCount: [0, 0],
  about: [BESIDE],
  options: {
    ...FILTER,
    limit: { type: 'string', value: 'N', about: 'at most so many (100)' },
    ...PLACE,
  },
  examples: [
    { line: 'trellis dead list', about: 'all of the system in system.ts' },
    { line: 'trellis dead list --group analytics --json', about: 'one JSON object per line, of one consumer' },
  ],
  async run({ values }) {
    const limit = wholeNumber('limit', values.limit ?? '100', 1, MOST)
    const letters = await withAdmin(values, admin => admin.deadLetters({ ...filterOf(values), limit }))
    if (values.json === true) for (const letter of letters) printJson(letter)
    else if (letters.length === 0) print('No dead letters.')
    else {
      const rows = letters.map(({ id, group, message, deadAt, cause }) => [
        id,
        new Date(deadAt).toISOString(),
        group,
        message.topic,
        `${cause.reason}: ${cause.message}`,
      ])
      for (const line of columns([['ID', 'SET ASIDE', 'GROUP', 'TOPIC', 'CAUSE'], ...rows])) print(line)
      if (letters.length === limit) tell(`There may be more than these ${limit}; see --limit.`)
    }
    return EXIT.ok
  },
})

/** `trellis dead show` */
export const deadShow: CommandDefinition = command({
  operands: 'ID',
  operandCount: [1, 1],
  about: [BESIDE],
  options: PLACE,
  examples: [{ line: 'trellis dead show 17', about: 'everything that is known of it' }],
  async run({ values, operands: [id = ''] }) {
    const [letter] = await withAdmin(values, admin => admin.deadLetters({ id }))
    if (letter === undefined) throw unknown([id])
    if (values.json === true) printJson(letter)
    else for (const line of portrait(letter)) print(line)
    return EXIT.ok
  },
})

/** `trellis dead redrive` */
export const deadRedrive: CommandDefinition = command({
  operands: '[ID...]',
  operandCount: [0, MOST],
  about: [
    'A message comes as a new delivery to the group that failed at it, and to no other. Should it fail again, it is set aside again.',
    BESIDE,
  ],
  options: { ...ALL, ...FILTER, ...PLACE },
  examples: [
    { line: 'trellis dead redrive 17 18', about: 'these two' },
    { line: 'trellis dead redrive --all --group analytics', about: 'all of one consumer' },
  ],
  run: ({ values, operands }) =>
    settle(values, operands, { word: 'redriven', done: (admin, ids) => admin.redrive(ids) }),
})

/** `trellis dead drop` */
export const deadDrop: CommandDefinition = command({
  operands: '[ID...]',
  operandCount: [0, MOST],
  about: ['What was to follow from a dropped message never happens. Look at it first: trellis dead show ID.', BESIDE],
  options: { ...ALL, ...FILTER, ...PLACE },
  examples: [
    { line: 'trellis dead drop 17', about: 'this one' },
    { line: 'trellis dead drop --all --topic shop.users.user-created.v1', about: 'all of one event' },
  ],
  run: ({ values, operands }) => settle(values, operands, { word: 'dropped', done: (admin, ids) => admin.drop(ids) }),
})

interface Settlement {
  readonly word: string
  done(admin: BrokerAdmin, ids: readonly string[]): Promise<number>
}

/** Redrives or drops: the ones named, or all that a filter leaves. */
async function settle(
  values: Values<typeof ALL & typeof FILTER & typeof PLACE>,
  ids: readonly string[],
  { word, done }: Settlement,
): Promise<number> {
  const { all = false, json = false } = values
  const filtered = values.group !== undefined || values.topic !== undefined
  if (all === ids.length > 0 || (filtered && !all)) {
    throw usage('Name the ones that are meant by their ids, or give --all, alone or with --group and --topic.')
  }
  const count = await withAdmin(values, async admin => {
    if (!all) await allKnown(admin, ids)
    return done(admin, all ? await idsOf(admin, values) : ids)
  })
  if (json) printJson({ [word]: count })
  else print(`${count} ${word}.`)
  return EXIT.ok
}

async function idsOf(admin: BrokerAdmin, values: Values<typeof FILTER>): Promise<string[]> {
  const letters = await admin.deadLetters({ ...filterOf(values), limit: MOST })
  return letters.map(({ id }) => id)
}

/** All or none: with a mistyped id nothing is done. */
async function allKnown(admin: BrokerAdmin, ids: readonly string[]): Promise<void> {
  const missing: string[] = []
  for (const id of ids) if ((await admin.deadLetters({ id })).length === 0) missing.push(id)
  if (missing.length > 0) throw unknown(missing)
}

function unknown(ids: readonly string[]): Fault {
  return new Fault(
    'not_found',
    `There is no dead letter ${ids.join(', ')}; trellis dead list shows those that are there.`,
    {
      reason: 'UNKNOWN_DEAD_LETTER',
    },
  )
}

async function withAdmin<T>(values: Values<typeof PLACE>, work: (admin: BrokerAdmin) => Promise<T>): Promise<T> {
  await using broker = await openBrokerAdmin(createRuntime(), await existingData(values.data, values.system))
  return await work(broker.value)
}

function filterOf({ group, topic }: Values<typeof FILTER>): { readonly group?: string; readonly topic?: string } {
  return { ...(group === undefined ? {} : { group }), ...(topic === undefined ? {} : { topic }) }
}

function portrait({ id, group, message, deadAt, cause, history }: DeadLetter): string[] {
  const rows = [
    ['dead letter', id],
    ['set aside', new Date(deadAt).toISOString()],
    ['group', group],
    ['topic', message.topic],
    ['message', message.id],
    ['published', `${new Date(message.time).toISOString()} by ${message.source}`],
    ...(message.key === undefined ? [] : [['key', message.key]]),
    ...Object.entries(message.attributes),
    ['cause', `${cause.code} ${cause.reason}: ${cause.message}`],
  ]
  const attempts = history.map(({ at, code, reason, message: text }) => [
    new Date(at).toISOString(),
    code,
    `${reason}: ${text}`,
  ])
  return [
    ...columns(rows),
    '',
    'Data',
    `  ${message.data}`,
    ...(attempts.length === 0 ? [] : ['', 'Attempts that failed', ...columns(attempts, '  ')]),
    '',
    `trellis dead redrive ${id} gives it back to ${group}; trellis dead drop ${id} removes it.`,
  ]
}
