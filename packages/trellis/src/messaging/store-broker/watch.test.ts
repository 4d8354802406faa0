import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import { createVirtualRuntime } from '../../testing/index.ts'
import { Watch } from './watch.ts'

test('a store that is away is not asked, nor complained of, as often as one that answers', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  let away = true
  let looks = 0
  let faults = 0
  const get = async (): Promise<unknown> => {
    looks++
    if (away) throw new Fault('unavailable', 'The disk fails.', { reason: 'STORE_UNAVAILABLE' })
    return { heads: 0, version: 0, due: null }
  }
  const watch = new Watch({
    runtime,
    store: { reader: { get } } as unknown as Store,
    pollMs: 50,
    wakePath: undefined,
    topics: () => [],
    onHead: () => undefined,
    onTopology: () => undefined,
    onDelayed: () => undefined,
    onFault: () => void faults++,
  })
  watch.follow()
  await runtime.advance(10_000)
  assert.ok(faults >= 10 && faults <= 25, `${faults} complaints in 10 s`)
  away = false
  await runtime.advance(1_000)
  looks = 0
  await runtime.advance(1_000)
  assert.ok(looks >= 19, `${looks} looks in 1 s`)
  await watch.close()
})
