import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { secret } from './secret.ts'

test('a secret shows itself to nobody but who asks for it', () => {
  const key = secret('hunter2')
  assert.equal(key.reveal(), 'hunter2')
  const shown = [
    `${key}`,
    String(key),
    JSON.stringify({ key }),
    inspect({ key }),
    inspect(key, { showHidden: true }),
    Object.values(key).join(),
  ]
  for (const text of shown) assert.doesNotMatch(text, /hunter2/)
  assert.equal(JSON.stringify({ key }), '{"key":"[secret]"}')
  assert.equal(inspect(key), '[secret]')
})
