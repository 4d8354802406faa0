import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallContext, Fault } from '../kernel/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { createLogger, type LoggerOptions } from './logger.ts'
import type { Fields, Logger, LogSink } from './telemetry.ts'

function logged(options: Partial<LoggerOptions> = {}): {
  log: Logger
  lines: string[]
  last: () => Record<string, never>
} {
  const lines: string[] = []
  const sink: LogSink = {
    write: line => void lines.push(line),
    flush: async () => undefined,
    dropped: 0,
    [Symbol.asyncDispose]: async () => undefined,
  }
  const log = createLogger(createVirtualRuntime({ seed: 1 }), { sink, ...options })
  return { log, lines, last: () => JSON.parse(lines.at(-1) as string) }
}

function fieldsOf(fields: Fields): Record<string, unknown> {
  const { log, last } = logged()
  log.log('info', 'm', fields)
  return last().fields as never
}

const ctx = new CallContext(createVirtualRuntime({ seed: 2 }), {
  trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true },
  identity: { kind: 'user', subject: 'u-1', roles: [], permissions: new Set(), via: 'gateway', token: 'sesame' },
})

test('a line is one JSON object with its members in a fixed order', () => {
  const { log, lines } = logged({ service: 'orders' })
  log.log('info', 'order placed', { orderId: 'o-1', total: 1200, rush: false, note: undefined }, ctx)
  assert.equal(
    lines[0],
    `{"time":"2026-01-01T00:00:00.000Z","level":"info","message":"order placed","service":"orders","traceId":"${'a'.repeat(32)}","spanId":"${'b'.repeat(16)}","subject":"u-1","via":"gateway","fields":{"orderId":"o-1","total":1200,"rush":false}}\n`,
  )
})

test('lines below the level are not written', () => {
  const { log, lines } = logged({ level: 'warn' })
  log.log('info', 'no')
  log.log('warn', 'yes')
  log.log('error', 'yes')
  assert.equal(lines.length, 2)
})

test('a level or format that does not exist is refused where the logger is made', () => {
  assert.throws(() => logged({ level: 'loud' as never }), /Log level "loud"/)
  assert.throws(() => logged({ format: 'xml' as never }), /Log format "xml"/)
})

test('bound fields are on every line, and give way to the fields of the line', () => {
  const { log, last } = logged()
  const bound = log.with({ shard: 1 }).with({ part: 'relay' })
  bound.log('info', 'm')
  assert.deepEqual(last().fields, { shard: 1, part: 'relay' })
  bound.log('info', 'm', { extra: true })
  assert.deepEqual(last().fields, { shard: 1, part: 'relay', extra: true })
  bound.log('info', 'm', { shard: 2 })
  assert.deepEqual(last().fields, { shard: 2, part: 'relay' })
})

test('an error is written with its stack, code, reason, details and causes', () => {
  const { log, last } = logged()
  const cause = new Error('disk', { cause: 'bad sector' })
  log.log('error', 'm', undefined, undefined, new Fault('internal', 'no', { reason: 'R', details: { a: [1] }, cause }))
  const error = last().error as never as Record<string, unknown>
  assert.partialDeepStrictEqual(error, {
    name: 'Fault',
    message: 'no',
    code: 'internal',
    reason: 'R',
    details: { a: [1] },
  })
  assert.match(error.stack as string, /logger\.test/)
  assert.partialDeepStrictEqual(error.cause, {
    name: 'Error',
    message: 'disk',
    cause: { name: 'string', message: 'bad sector' },
  })
})

test('errors that are not errors, aggregates and endless causes are written too', () => {
  const { log, last } = logged()
  log.log('error', 'm', undefined, undefined, 'a string')
  assert.deepEqual(last().error, { name: 'string', message: 'a string' })
  log.log('error', 'm', undefined, undefined, new AggregateError([new Error('one'), new Error('two')], 'both'))
  assert.deepEqual(
    (last().error as never as { errors: Error[] }).errors.map(error => error.message),
    ['one', 'two'],
  )
  const endless = new Error('again')
  endless.cause = endless
  log.log('error', 'm', undefined, undefined, endless)
  assert.equal(JSON.stringify(last()).match(/again/g)?.length, 12)
})

test('members with the name of a secret lose their value, at any depth and in any spelling', () => {
  const secrets = [
    'authorization',
    'Proxy-Authorization',
    'password',
    'newPassword',
    'TOKEN',
    'access_token',
    'client-secret',
    'Set-Cookie',
    'cookie',
    'x-api-key',
    'apiKey',
    'privateKey',
    'credentials',
  ]
  for (const name of secrets) {
    const shown = JSON.stringify(fieldsOf({ [name]: 'hunter2', in: { the: [{ [name]: { deep: 'hunter2' } }] } }))
    assert.doesNotMatch(shown, /hunter2/, name)
    assert.match(shown, /redacted/)
  }
})

test('members of other names keep their value', () => {
  const plain = { key: 'k', author: 'a', keyboard: 'b', passage: 'c', monkey: 'd' }
  assert.deepEqual(fieldsOf(plain), plain)
})

test('text that looks like a credential is replaced wherever it stands', () => {
  const jwt = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl'
  const texts = [
    'sent Bearer abc.def-ghi',
    'sent bearer%20abcdefghi',
    'Authorization: Basic dXNlcjpodW50ZXIy',
    `got ${jwt} from them`,
    jwt,
    'postgres://shop:hunter2@db/shop',
    'GET /x?token=hunter2&a=1',
    'password=hunter2',
    "password = 'hunter2 and more'",
    'body was {"password":"hunter2"}',
    'nested {\\"password\\":\\"hunter2\\"}',
    'cookie: sid=hunter2; other=hunter2',
    'scrypt$32768$8$3$c2FsdA$hunter2',
  ]
  const { log, lines } = logged()
  for (const text of texts) log.log('info', text, { text, list: [text] }, undefined, new Error(text))
  const pretty = logged({ format: 'pretty', colour: true })
  for (const text of texts) pretty.log.log('info', text, { text, list: [text] }, undefined, new Error(text))
  for (const line of [...lines, ...pretty.lines]) {
    assert.doesNotMatch(line, /hunter2|abc\.def|abcdefghi|dXNlcjpodW50ZXIy|c2lnbmF0dXJl/)
  }
  for (const line of lines) JSON.parse(line)
})

test('a token that was cut is replaced too, and what begins many times costs no more than what begins once', () => {
  const { log, lines } = logged()
  log.log('info', `got eyJhbGciOiJFZERTQSJ9 and ${'eyJ'.repeat(2_000)}`)
  assert.match(lines[0] as string, /got \[redacted\] and \[redacted\]"/)
})

test('the token of the identity is never written', () => {
  const { log, lines } = logged()
  log.log('info', 'm', { identity: ctx.identity as never }, ctx)
  assert.doesNotMatch(lines[0] as string, /sesame/)
})

test('input can not forge a second line or move the cursor', () => {
  for (const format of ['json', 'pretty'] as const) {
    const { log, lines } = logged({ format })
    const evil = 'x\n{"level":"error"}\r\u001b[2J\u009b31m\u2028\u2029\u202e\u0000'
    log.log('info', evil, { [evil]: evil }, undefined, Object.assign(new Error(evil), { stack: evil }))
    const raw = (lines[0] as string).slice(0, -1).replaceAll('\n    ', '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the point of the test
    assert.doesNotMatch(raw, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/)
  }
})

test('any fields make one line of valid JSON', () => {
  const { log, lines } = logged()
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.dictionary(
        fc.string({ unit: 'binary' }),
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withNullPrototype: true,
        }),
      ),
      (message, fields) => {
        log.log('info', message, fields as Fields)
        const line = lines.pop() as string
        assert.equal(line.indexOf('\n'), line.length - 1)
        JSON.parse(line)
      },
    ),
  )
})

test('a very long value is cut, and says by how much', () => {
  const { text } = fieldsOf({ text: 'x'.repeat(10_000) }) as { text: string }
  assert.equal(text, `${'x'.repeat(8192)}… [1808 more characters]`)
})

test('deep, wide, circular and hostile values are bounded', () => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  assert.match(JSON.stringify(fieldsOf({ circular: circular as never })), /\[deeper\]/)
  const wide = fieldsOf({ wide: Array.from({ length: 1000 }, (_, index) => index) }) as { wide: unknown[] }
  assert.equal(wide.wide.length, 101)
  const hostile = {
    get boom(): string {
      throw new Error('no')
    },
  }
  assert.deepEqual(fieldsOf({ hostile }), { hostile: '[unreadable]' })
  const numbers = fieldsOf({ nan: Number.NaN, infinite: -Infinity, big: 12n as never, fn: (() => 1) as never })
  assert.deepEqual({ ...numbers, fn: undefined }, { nan: 'NaN', infinite: '-Infinity', big: '12', fn: undefined })
  assert.deepEqual(fieldsOf({ bytes: new Uint8Array(3) as never, date: new Date(0) as never }), {
    bytes: '[3 bytes]',
    date: '1970-01-01T00:00:00.000Z',
  })
})

test('pretty lines are for people', () => {
  const { log, lines } = logged({ format: 'pretty', service: 'orders' })
  log.log('warn', 'stock is low', { productId: 'p-1', note: 'two words', password: 'x' }, ctx)
  assert.equal(
    lines[0],
    '00:00:00.000 WARN  orders stock is low productId=p-1 note="two words" password=[redacted] trace=aaaaaaaa\n',
  )
})

test('pretty lines show the stack and the causes of an error below', () => {
  const { log, lines } = logged({ format: 'pretty' })
  log.log('error', 'broke', {}, undefined, new Error('outer', { cause: new Error('inner') }))
  assert.match(lines[0] as string, /^[^\n]*ERROR broke\n {4}Error: outer\n(?:.*\n)+? {4}caused by Error: inner\n/)
})
