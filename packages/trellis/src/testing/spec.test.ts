import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { aggregate } from '../events/index.ts'
import { Fault } from '../kernel/index.ts'
import { spec } from './spec.ts'

const Door = aggregate({
  name: 'door',
  events: { Built: z.object({}), Opened: z.object({ by: z.string() }), Shut: z.object({}) },
  starts: ['Built'],
  initialState: id => ({ id, open: false, at: 0 }),
  decide: (command: { open: string } | 'shut' | 'slam', state) => {
    if (command === 'slam') throw new TypeError('a bug')
    if (command === 'shut') return state.open ? [{ type: 'Shut', data: {} }] : []
    if (state.open) throw new Fault('failed_precondition', 'It is open.', { reason: 'DOOR_OPEN' })
    return { type: 'Opened', data: { by: command.open } }
  },
  evolve: (state, { type, timestamp }) => ({ ...state, open: type === 'Opened', at: timestamp }),
})

const given = spec(Door, { id: 'd-1', startMs: 1_000 })
const built = { type: 'Built', data: {} } as const
const opened = { type: 'Opened', data: { by: 'ann' } } as const

test('the events that a command leads to are compared whole', () => {
  given(built).when({ open: 'ann' }).then(opened)
  assert.throws(() => given(built).when({ open: 'bob' }).then(opened), assert.AssertionError)
  assert.throws(() => given(built).when({ open: 'ann' }).then(), assert.AssertionError)
})

test('a command that changes nothing leads to nothing', () => {
  given(built).when('shut').then()
})

test('a refusal is known by its reason', () => {
  given(built, opened).when({ open: 'bob' }).thenFault('DOOR_OPEN')
  assert.throws(() => given(built, opened).when({ open: 'bob' }).thenFault('DOOR_LOCKED'), /It is open/)
  assert.throws(() => given(built).when({ open: 'bob' }).thenFault('DOOR_OPEN'), assert.AssertionError)
})

test('an error that is no refusal is not taken for one', () => {
  assert.throws(() => given(built).when('slam').thenFault('DOOR_OPEN'), /a bug/)
})

test('the state is there to look at, with times that repeat', () => {
  given(built, opened).thenState(state => assert.deepEqual(state, { id: 'd-1', open: true, at: 2_000 }))
})

test('a history that can not be is refused', () => {
  assert.throws(() => given(opened), /can't begin with Opened/)
})
