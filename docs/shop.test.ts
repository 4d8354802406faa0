import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { startShop } from '../examples/shop/testing/start-shop.ts'
import { snippetsOf } from '../scripts/snippets.ts'

const root = resolve(import.meta.dirname, '..')
const hasCurl = spawnSync('curl', ['--version']).status === 0
const skip = !hasCurl && process.env.TRELLIS_REQUIRE !== 'all' ? 'curl is not on PATH' : false

test('the tour of the shop goes as its page says', { skip, timeout: 180_000 }, async () => {
  await using shop = await startShop({ split: true })
  const commands = snippetsOf('docs/shop.md', readFileSync(join(root, 'docs', 'shop.md'), 'utf8'))
    .filter(({ language }) => language === 'sh')
    .map(({ text: lines }) => lines)
    .filter(lines => !lines.startsWith('npm start'))
    .join('\n')
  const script = commands
    .replaceAll('http://127.0.0.1:8080', shop.url)
    .replaceAll('.trellis/shop', shop.folder)
    .replace('PAYMENTS=12345', `PAYMENTS=${shop.pid('payments')}`)
    .replaceAll('npm run trellis --', 'node --conditions=trellis-source packages/cli/src/main.ts')
    .replaceAll(/--system \S+/g, place => `${place} --data '${shop.folder}'`)
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`
  const child = spawn('sh', ['-eu', '-c', script], { cwd: root, env: { ...process.env, PATH: path } })
  const ended = new Promise<number | null>(settle => child.once('close', settle))
  const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr)])

  assert.equal(await ended, 0, `${printed}\n${complaints}`)
  assert.ok(shop.restarts('payments') >= 1)
  assert.match(printed, /event: OrderConfirmed/)
  assert.match(printed, /"status":"captured"/)
  assert.match(printed, /charges: 1\n/)
  assert.match(printed, /No dead letters\./)
  assert.match(printed, /orders\.order-list is built anew/)
})
