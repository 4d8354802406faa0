import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, isFault } from '../kernel/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { retryConflicts } from './retry-conflicts.ts'

const lost = (retryable: boolean): Fault => new Fault('aborted', 'lost', { reason: 'VERSION_CONFLICT', retryable })

function failing(times: number, fault: unknown): { work: () => Promise<string>; runs: () => number } {
  let runs = 0
  const work = async (): Promise<string> => {
    if (++runs <= times) throw fault
    return 'done'
  }
  return { work, runs: () => runs }
}

test('a lost race is run again until it is won', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const { work, runs } = failing(4, lost(true))
  assert.equal(await runtime.run(retryConflicts(runtime, work)), 'done')
  assert.equal(runs(), 5)
})

test('after the last attempt the conflict is passed on', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const { work, runs } = failing(9, lost(true))
  const result = runtime.run(retryConflicts(runtime, work, { attempts: 3 }))
  await assert.rejects(result, error => isFault(error, 'VERSION_CONFLICT'))
  assert.equal(runs(), 3)
})

test('a version that the caller named, and any other failure, is passed on at once', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  for (const fault of [lost(false), new Fault('unavailable', 'away'), new Error('bug')]) {
    const { work, runs } = failing(9, fault)
    await assert.rejects(runtime.run(retryConflicts(runtime, work)), error => error === fault)
    assert.equal(runs(), 1)
  }
})

test('attempts that are no count are refused', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  for (const attempts of [0, 1.5, Number.NaN]) {
    await assert.rejects(
      retryConflicts(runtime, async () => 1, { attempts }),
      /attempts is/,
    )
  }
})
