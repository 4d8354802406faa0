import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bell } from './bell.ts'

test('a ring while nobody waits ends the next wait, and only that', async () => {
  const bell = new Bell()
  bell.ring()
  bell.ring()
  assert.equal(await bell.wait(), true)
  const waiting = bell.wait()
  bell.ring()
  assert.equal(await waiting, true)
})

test('an abort ends the wait, before it or during it, and leaves no listener', async () => {
  const bell = new Bell()
  const abort = new AbortController()
  const waiting = bell.wait(abort.signal)
  abort.abort()
  assert.equal(await waiting, false)
  assert.equal(await bell.wait(abort.signal), false)
})

test('a closed bell ends all waits', async () => {
  const bell = new Bell()
  const waiting = bell.wait()
  bell.close()
  assert.equal(await waiting, false)
  bell.ring()
  assert.equal(await bell.wait(), false)
})
