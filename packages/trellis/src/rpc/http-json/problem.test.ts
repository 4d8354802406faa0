import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../kernel/index.ts'
import { connectFault, diskFault } from '../../kernel/runtime-fault.ts'
import { unavailableFault } from '../../store/sqlite/faults.ts'
import { fromProblem, problemText, toProblem } from './problem.ts'

const NO_ROOM = Object.assign(new Error('no room'), { code: 'ENOSPC' })

test('names no file, address or port of the machines behind', () => {
  const faults = [
    connectFault(new Error('refused'), { host: '10.1.2.3', port: 4001 }),
    diskFault(NO_ROOM, '/srv/shop/orders.db'),
    unavailableFault('/srv/shop/orders.db', 'is damaged.'),
  ]
  for (const fault of faults) {
    const { code, reason, detail } = toProblem(fault)
    assert.deepEqual([code, reason], [fault.code, fault.reason])
    assert.doesNotMatch(detail, /10\.1\.2\.3|4001|srv|orders/)
    assert.match(detail, /try again/)
  }
})

test('tells the message of any other fault', () => {
  const fault = new Fault('not_found', 'There is no such order.', { reason: 'ORDER_NOT_FOUND' })
  assert.equal(toProblem(fault).detail, 'There is no such order.')
})

test('leaves out details that JSON can not say', () => {
  const fault = new Fault('internal', 'Broken.', { details: { amount: 1n } })
  assert.equal('details' in JSON.parse(problemText(fault)), false)
})

test('takes a document of its own for a fault again, and no other', () => {
  const fault = new Fault('aborted', 'Again.', { reason: 'VERSION_CONFLICT', retryAfterMs: 5 })
  const read = fromProblem(JSON.parse(problemText(fault)))
  assert.deepEqual(
    [read?.code, read?.reason, read?.message, read?.retryAfterMs],
    ['aborted', 'VERSION_CONFLICT', 'Again.', 5],
  )
  assert.equal(fromProblem({ code: 'teapot' }), undefined)
})
