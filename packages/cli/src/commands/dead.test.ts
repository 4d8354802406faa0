import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Place, Ready, Started } from '../cli.test-fixture.ts'
import { dev, LEDGER, place } from '../cli.test-fixture.ts'

let here: Place
let running: Started & Ready
before(async () => {
  here = place()
  here.write({ 'system.ts': LEDGER })
  running = await dev(here, [], { LEDGER_MENDED: join(here.folder, 'mended') })
  for (const account of ['a', 'b', 'c']) {
    const { code, stderr } = await here.run(['call', 'ledger.enter', `{"account":"${account}","amount":1}`])
    assert.deepEqual([code, stderr], [0, ''])
  }
})
after(async () => {
  await running[Symbol.asyncDispose]()
  here[Symbol.dispose]()
})

interface Letter {
  readonly id: string
  readonly group: string
  readonly message: { readonly data: string }
  readonly history: readonly unknown[]
}

/** The dead letters, once there are so many. */
async function letters(count: number): Promise<Letter[]> {
  for (let looks = 1; ; looks++) {
    const { stdout, stderr } = await here.run(['dead', 'list', '--json'])
    assert.equal(stderr, '')
    const found = stdout
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Letter)
    if (found.length === count) return found
    assert.ok(looks < 40, `${found.length} dead letters, not ${count}; see ${running.folder}`)
  }
}

test('lists, shows, drops and redrives beside the running system', async () => {
  const [first, second, third] = (await letters(3)) as [Letter, Letter, Letter]

  const list = await here.run(['dead', 'list', '--data', running.folder])
  assert.match(list.stdout, /^ID +SET ASIDE +GROUP +TOPIC +CAUSE\n/)
  assert.match(list.stdout, /auditor +ledger\.entered\.v1 +ON_STRIKE: The auditor is on strike\.\n/)
  const filtered = await here.run(['dead', 'list', '--group', 'nobody'])
  assert.deepEqual([filtered.code, filtered.stdout], [0, 'No dead letters.\n'])

  const show = await here.run(['dead', 'show', first.id])
  assert.equal(show.code, 0)
  assert.ok(show.stdout.includes(`Data\n  ${first.message.data}\n`))
  assert.match(show.stdout, /\ntraceparent +00-/)
  assert.match(show.stdout, /\nAttempts that failed\n( {2}\S+ +failed_precondition +ON_STRIKE: .*\n)+/)
  assert.match(show.stdout, new RegExp(`\ntrellis dead redrive ${first.id} gives it back to auditor`))

  const drop = await here.run(['dead', 'drop', first.id])
  assert.deepEqual([drop.code, drop.stdout], [0, '1 dropped.\n'])

  const half = await here.run(['dead', 'redrive', second.id, '999999'])
  assert.deepEqual([half.code, half.stdout], [1, ''])
  assert.match(half.stderr, /^There is no dead letter 999999; trellis dead list shows those that are there\.\n$/)
  assert.equal((await letters(2)).length, 2)

  writeFileSync(join(here.folder, 'mended'), '')
  const redrive = await here.run(['dead', 'redrive', '--all', '--group', 'auditor', '--json'])
  assert.deepEqual([redrive.code, redrive.stdout], [0, '{"redriven":2}\n'])
  assert.equal((await letters(0)).length, 0)
  const gone = await here.run(['dead', 'show', third.id])
  assert.equal(gone.code, 1)
})

test('an id that is none is refused', async () => {
  const { code, stderr } = await here.run(['dead', 'show', 'latest'])
  assert.equal(code, 1)
  assert.match(stderr, /'latest' is no id of a dead letter/)
})
