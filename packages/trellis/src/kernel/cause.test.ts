import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causeOf, origin } from './cause.ts'
import { CallContext } from './context.ts'
import { createRuntime } from './runtime-node.ts'

const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true }

test('a call without an origin is caused by its own span and its identity', () => {
  const identity = { kind: 'user', subject: 'u-1', roles: [], permissions: new Set<string>() } as const
  const ctx = new CallContext(createRuntime(), { trace, identity })
  assert.deepEqual(causeOf(ctx), {
    correlationId: trace.traceId,
    causationId: trace.spanId,
    actor: 'u-1',
    traceparent: `00-${trace.traceId}-${trace.spanId}-01`,
  })
})

test('an origin set above is what caused the calls below', () => {
  const ctx = new CallContext(createRuntime(), { trace })
  ctx.set(origin, { correlationId: 'c-1', causationId: 'm-1', actor: 'u-2' })
  const { correlationId, causationId, actor } = causeOf(ctx.child())
  assert.deepEqual({ correlationId, causationId, actor }, { correlationId: 'c-1', causationId: 'm-1', actor: 'u-2' })
})

test('a caller without an identity is anonymous', () => {
  assert.equal(causeOf(new CallContext(createRuntime(), { trace })).actor, 'anonymous')
})
