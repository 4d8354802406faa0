import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { HELLO, place } from './cli.test-fixture.ts'

const here = place()
after(() => here[Symbol.dispose]())

const COMMANDS = ['dev', 'start', 'check', 'call', 'dead list', 'dead show', 'dead redrive', 'dead drop', 'rebuild']

test('lists its commands', async () => {
  const { code, stdout } = await here.run(['--help'])
  assert.equal(code, 0)
  for (const command of COMMANDS) assert.match(stdout, new RegExp(`^  ${command} +[A-Z]`, 'm'))
  assert.match(stdout, /Exit codes: 0 done, 1 could not do it, 2 typed wrongly\./)
})

for (const command of COMMANDS) {
  test(`teaches ${command}: what it does, how it is typed, its options, and lines to try`, async () => {
    const { code, stdout } = await here.run([...command.split(' '), '--help'])
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`^[A-Z][^\\n]*\\.\\n\\n  trellis ${command}`))
    assert.match(
      stdout,
      /\nOptions\n( {2}--[a-z]+( [A-Z]+)? {2,}\S[^\n]*\n)+\nExamples\n( {2}[^\n]*trellis [^\n]+\n {6}\S[^\n]*\n)+$/,
    )
    for (const line of stdout.split('\n')) assert.ok(line.length <= 130, `too long: ${line}`)
  })
}

test('"help COMMAND" is the same as "COMMAND --help"', async () => {
  const [first, second] = await Promise.all([here.run(['help', 'dead', 'show']), here.run(['dead', 'show', '--help'])])
  assert.deepEqual(first, second)
})

test('says its version and that of Node', async () => {
  const { code, stdout } = await here.run(['--version'])
  assert.equal(code, 0)
  assert.match(stdout, /^trellis \d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+\)\n$/)
})

const MISTAKES: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [[], /^trellis runs systems/],
  [['dead'], /^trellis dead has these commands/],
  [
    ['serve'],
    /^There is no command "serve"; there are dev, start, check, call, dead, rebuild\.\nSee trellis --help\.\n$/,
  ],
  [['dead', 'bury'], /^There is no command "dead bury"/],
  [['--port'], /^trellis has no option --port before the command/],
  [
    ['dev', '--prot', '80'],
    /^trellis dev has no option --prot; it has --split, --port, .* and --help\.\nSee trellis dev --help\.\n$/,
  ],
  [['dev', '--port'], /^trellis dev: Option '--port <value>' argument missing\.\n/],
  [['dev', '--split=yes'], /^trellis dev: Option '--split' does not take an argument\.\n/],
  [['dev', '--port', 'http'], /^--port is "http"; give a whole number from 0 to 65535\.\n/],
  [['dev', '--port', '65536'], /^--port is "65536"/],
  [['check', 'one.ts', 'two.ts'], /^trellis check does not know what to do with "two\.ts"\.\n/],
  [['rebuild'], /^trellis rebuild needs PROJECTION\.\n/],
  [['dead', 'show'], /^trellis dead show needs ID\.\n/],
  [['dead', 'redrive'], /^Name the ones that are meant by their ids, or give --all/],
  [['dead', 'drop', '1', '--all'], /^Name the ones that are meant/],
  [['dead', 'drop', '--group', 'auditor'], /^Name the ones that are meant/],
  [['start', HELLO], /^trellis start needs to know what to run: --service NAME, --gateway, or both\./],
  [['start', HELLO, '--service', 'bye'], /^hello has no service "bye"; it has hello\.\n/],
  [['call', 'greet', '--system', HELLO], /^"greet" names no operation; write it as SERVICE\.OPERATION\./],
  [['call', 'bye.greet', '--system', HELLO], /^hello has no service or contract "bye"; its services are hello\.\n/],
  [['call', 'hello.wave', '--system', HELLO], /^hello has no operation "wave"; it has greet\.\n/],
  [['call', 'hello.greet', '{name}', '--system', HELLO], /^The input is not JSON: .*Put it in single quotes/],
  [['call', 'hello.greet', '[]', '--system', HELLO], /^The input must be a JSON object/],
  [['call', 'hello.greet', '--url', 'nowhere', '--system', HELLO], /^--url is "nowhere"; give one such as/],
  [['call', 'hello.greet', '--url', 'http://x', '--internal', '--system', HELLO], /^--internal goes to a service/],
  [['rebuild', 'list', '--system', HELLO], /^hello has no projection "list"; its services have none\.\n/],
]

for (const [args, says] of MISTAKES) {
  test(`"trellis ${args.map(arg => (arg === HELLO ? 'SYSTEM' : arg)).join(' ')}" is answered with what to type, and 2`, async () => {
    const { code, stdout, stderr } = await here.run(args)
    assert.match(stderr, says)
    assert.deepEqual([code, stdout], [2, ''])
  })
}

test('a mistake is JSON too for those who ask for it', async () => {
  const { code, stderr } = await here.run(['dev', '--json', '--port', 'x'])
  assert.equal(code, 2)
  assert.deepEqual(JSON.parse(stderr), {
    code: 'invalid_argument',
    reason: 'USAGE',
    message: '--port is "x"; give a whole number from 0 to 65535.',
  })
})
