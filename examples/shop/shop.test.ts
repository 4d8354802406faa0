import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { checkProjections } from './testing/invariants.ts'
import { allHold, invariantsTable } from './testing/invariants-table.ts'
import { settle } from './testing/settle.ts'
import { startShop } from './testing/start-shop.ts'
import { accounts, guessing } from './testing/stories/accounts.ts'
import type { Scene } from './testing/stories/at-the-shop.ts'
import { open } from './testing/stories/at-the-shop.ts'
import { checkouts } from './testing/stories/checkouts.ts'
import { door } from './testing/stories/door.ts'
import { following } from './testing/stories/following.ts'
import { goods } from './testing/stories/goods.ts'
import { filling } from './testing/stories/orders.ts'

for (const split of [false, true]) {
  suite(`the shop, ${split ? 'each service in a process of its own' : 'in one process'}`, () => {
    let scene: Scene
    const at = (): Scene => scene
    before(async () => {
      scene = await open(await startShop({ split, timeScale: 1 / 4, environment: { TRELLIS_TRACES: 'file' } }))
    })
    after(() => scene?.shop[Symbol.asyncDispose]())
    suite('accounts', () => accounts(at))
    suite('goods', () => goods(at))
    suite('filling an order', () => filling(at))
    suite('checking out', () => checkouts(at))
    suite('following', () => following(at))
    suite('the door', () => door(at))
    suite('guessing passwords', () => guessing(at))
    test('after all of it the invariants hold', async () => {
      const findings = await settle(scene.shop.folder, undefined, 30_000)
      await scene.shop.stop()
      findings.push(await checkProjections(scene.shop.folder))
      assert(allHold(findings), `\n${invariantsTable(findings)}`)
    })
  })
}
