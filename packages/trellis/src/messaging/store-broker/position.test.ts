import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MAX_TOPICS, OFFSETS, offsetOf, PARTITIONS, partitionOf, positionOf, slotOf, topicOf } from './position.ts'

describe('position', () => {
  test('slot and offset come back from every position, and positions sort as they do', () => {
    const slot = fc.integer({ min: 0, max: MAX_TOPICS * PARTITIONS - 1 })
    const offset = fc.integer({ min: 0, max: OFFSETS - 1 })
    fc.assert(
      fc.property(slot, offset, slot, offset, (s1, o1, s2, o2) => {
        const position = positionOf(s1, o1)
        assert.ok(Number.isSafeInteger(position))
        assert.deepEqual([slotOf(position), offsetOf(position)], [s1, o1])
        assert.equal(Math.sign(position - positionOf(s2, o2)), Math.sign(s1 - s2 || o1 - o2))
        assert.equal(topicOf(s1), Math.floor(s1 / PARTITIONS))
      }),
    )
  })

  test('keys stay in the partition where stored messages expect them', () => {
    assert.deepEqual(['', 'a', 'order-1', 'order-2', 'schlüssel', '🔑'].map(partitionOf), [9, 0, 2, 11, 4, 6])
  })

  test('keys spread over all partitions', () => {
    const counts = new Array<number>(PARTITIONS).fill(0)
    for (let n = 0; n < 16_000; n++) {
      const partition = partitionOf(`order-${n}`)
      counts[partition] = (counts[partition] as number) + 1
    }
    for (const count of counts) assert.ok(count > 600 && count < 1_400, `${counts}`)
  })
})
