import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { callListener } from './listener.ts'

test('a listener is called with the value', () => {
  const seen: number[] = []
  callListener(value => seen.push(value), 7)
  assert.deepEqual(seen, [7])
})

test('what a listener throws is uncaught, and not thrown at the caller', async () => {
  const runners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  try {
    const uncaught = once(process, 'uncaughtException')
    const error = new Error('from a listener')
    callListener(() => {
      throw error
    }, undefined)
    assert.equal((await uncaught)[0], error)
  } finally {
    for (const runner of runners) process.on('uncaughtException', runner)
  }
})
