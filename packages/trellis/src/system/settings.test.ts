import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '../kernel/index.ts'
import { readSettings } from './settings.ts'

test('an empty environment gives the defaults', () => {
  assert.deepEqual(readSettings({}), {
    storeUrl: undefined,
    instance: '0',
    logLevel: 'info',
    host: '127.0.0.1',
    port: 0,
    advertise: '127.0.0.1',
    runtime: { timeScale: 1 },
  })
})

for (const [name, value] of [
  ['TRELLIS_LOG_LEVEL', 'loud'],
  ['TRELLIS_INSTANCE', 'a/b'],
  ['TRELLIS_TIME_SCALE', '0'],
  ['TRELLIS_TIME_SCALE', 'fast'],
  ['TRELLIS_TIME_ANCHOR', 'noon'],
  ['TRELLIS_PORT', '70000'],
  ['TRELLIS_ADVERTISE', '0.0.0.0'],
] as const) {
  test(`${name}=${value} is refused by a fault that quotes it`, () => {
    assert.throws(
      () => readSettings({ [name]: value }),
      fault => isFault(fault, 'INVALID_SETTING') && fault.message.includes(name) && fault.message.includes(value),
    )
  })
}

test('a host that stands for all addresses needs one to advertise', () => {
  assert.throws(
    () => readSettings({ TRELLIS_HOST: '0.0.0.0' }),
    fault => isFault(fault, 'INVALID_SETTING'),
  )
  const { host, advertise } = readSettings({ TRELLIS_HOST: '0.0.0.0', TRELLIS_ADVERTISE: '10.1.2.3' })
  assert.deepEqual([host, advertise], ['0.0.0.0', '10.1.2.3'])
})
