import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Allow, CallContext, type Context, Fault, type Identity, type Target } from '../kernel/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { type AuthorizeOptions, authorize } from './authorize.ts'
import { authorizeOwner } from './ownership.ts'
import { roles } from './roles.ts'

const runtime = createVirtualRuntime({ seed: 1 })
const shop = roles({ clerk: ['orders:read'], orders: ['orders:*'], admin: ['*'] })
const user = (subject: string, role = '', via?: string): Identity => ({
  kind: 'user',
  subject,
  roles: [role],
  permissions: shop.permissionsOf([role]),
  ...(via === undefined ? {} : { via }),
})
const service = (subject: string): Identity => ({ kind: 'service', subject, roles: [], permissions: new Set() })
const OWN: Allow = { kind: 'own', permission: 'orders:read' }

function call(
  allow: Allow | undefined,
  identity: Identity | undefined,
  body: (ctx: Context) => unknown = () => 'answer',
  options: AuthorizeOptions = {},
  kind: Target['kind'] = 'server',
): Promise<unknown> {
  const target: Target = { kind, name: 'shop.Orders', operation: 'get', ...(allow === undefined ? {} : { allow }) }
  const handler = authorize(options)(async (_input: undefined, ctx: Context) => body(ctx), target)
  return handler(undefined, new CallContext(runtime, { identity }))
}

const denied = (work: Promise<unknown>, code: string, reason: string): Promise<void> =>
  assert.rejects(work, { name: 'Fault', code, reason })

test('public lets everybody in', async () => {
  assert.equal(await call({ kind: 'public' }, undefined), 'answer')
})

test('signed-in wants a user; a service by itself is none', async () => {
  await denied(call({ kind: 'signed-in' }, undefined), 'unauthenticated', 'SIGN_IN_REQUIRED')
  await denied(call({ kind: 'signed-in' }, service('orders')), 'permission_denied', 'USER_REQUIRED')
  assert.equal(await call({ kind: 'signed-in' }, user('ada', '', 'orders')), 'answer')
})

test('a permission is had by role, by wildcard, or not at all', async () => {
  const allow: Allow = { kind: 'permission', permission: 'orders:read' }
  await denied(call(allow, undefined), 'unauthenticated', 'SIGN_IN_REQUIRED')
  await denied(call(allow, user('ada')), 'permission_denied', 'PERMISSION_REQUIRED')
  await denied(
    call({ kind: 'permission', permission: 'orders:refund' }, user('bob', 'clerk')),
    'permission_denied',
    'PERMISSION_REQUIRED',
  )
  for (const role of ['clerk', 'orders', 'admin']) assert.equal(await call(allow, user('bob', role)), 'answer')
})

test('internal is for services of the system, and not for whoever comes through the edge', async () => {
  const allow: Allow = { kind: 'internal' }
  await denied(call(allow, undefined), 'unauthenticated', 'SIGN_IN_REQUIRED')
  await denied(call(allow, user('root', 'admin')), 'permission_denied', 'INTERNAL_ONLY')
  await denied(call(allow, user('root', 'admin', 'gateway')), 'permission_denied', 'INTERNAL_ONLY')
  await denied(call(allow, service('gateway')), 'permission_denied', 'INTERNAL_ONLY')
  assert.equal(await call(allow, service('orders')), 'answer')
  assert.equal(await call(allow, user('ada', '', 'orders')), 'answer')
})

test('what does not say who may call is refused to everybody, and so is what is said in words not known here', async () => {
  await denied(call(undefined, user('root', 'admin')), 'permission_denied', 'NOT_EXPOSED')
  await denied(call({ kind: 'everybody' } as never, user('root', 'admin')), 'permission_denied', 'NOT_EXPOSED')
  await denied(call(undefined, user('root', 'admin'), undefined, {}, 'route'), 'permission_denied', 'NOT_EXPOSED')
})

test('a refused call never reaches the handler', async () => {
  let reached = false
  await call({ kind: 'signed-in' }, undefined, () => (reached = true)).catch(() => undefined)
  assert.equal(reached, false)
})

test('targets that are not called from outside pass', async () => {
  assert.equal(await call(undefined, undefined, undefined, {}, 'consumer'), 'answer')
})

test('under own the owner needs no permission, and others do', async () => {
  const adas = (ctx: Context): string => {
    authorizeOwner(ctx, 'ada')
    return 'answer'
  }
  assert.equal(await call(OWN, user('ada'), adas), 'answer')
  assert.equal(await call(OWN, user('bob', 'clerk'), adas), 'answer')
  await denied(call(OWN, undefined, adas), 'unauthenticated', 'SIGN_IN_REQUIRED')
  await denied(call(OWN, user('eve'), adas), 'not_found', 'NOT_FOUND')
  await denied(
    call(OWN, user('eve'), adas, { foreign: 'permission_denied' }),
    'permission_denied',
    'PERMISSION_REQUIRED',
  )
})

test('a service of the same name as the owner is not the owner, and what belongs to nobody is nobody\u2019s', async () => {
  const owned = (owner: string | undefined) => (ctx: Context) => authorizeOwner(ctx, owner)
  await denied(call(OWN, service('ada'), owned('ada')), 'not_found', 'NOT_FOUND')
  await denied(call(OWN, user('ada'), owned(undefined)), 'not_found', 'NOT_FOUND')
  await denied(call(OWN, user(''), owned('')), 'not_found', 'NOT_FOUND')
})

test('what is not yours looks as what does not exist', async () => {
  const unknown = (): Fault => new Fault('not_found', 'No order o-1.', { reason: 'UNKNOWN_ORDER' })
  await denied(
    call(OWN, user('eve'), ctx => authorizeOwner(ctx, 'ada', unknown)),
    'not_found',
    'UNKNOWN_ORDER',
  )
})

test('an answer whose owner was never checked is withheld, even from those who may see it', async () => {
  await denied(call(OWN, user('root', 'admin')), 'internal', 'OWNERSHIP_UNCHECKED')
  await denied(call(OWN, user('ada')), 'internal', 'OWNERSHIP_UNCHECKED')
})

test('a failure before the check passes as it is', async () => {
  const fails = (): never => {
    throw new Fault('not_found', 'no', { reason: 'UNKNOWN_ORDER' })
  }
  await denied(call(OWN, user('ada'), fails), 'not_found', 'UNKNOWN_ORDER')
})

async function items(answer: unknown): Promise<unknown[]> {
  return Array.fromAsync(answer as AsyncIterable<unknown>)
}

test('a stream may check while it starts, before its first item', async () => {
  const checked = async function* (ctx: Context): AsyncGenerator<number> {
    authorizeOwner(ctx, 'ada')
    yield 1
    yield 2
  }
  assert.deepEqual(await items(await call(OWN, user('ada'), checked)), [1, 2])
  await assert.rejects(async () => items(await call(OWN, user('eve'), checked)), { code: 'not_found' })
})

test('a stream that never checks sends no item, nor an end, and is closed', async () => {
  let closed = false
  const unchecked = async function* (): AsyncGenerator<number> {
    try {
      yield 1
    } finally {
      closed = true
    }
  }
  await assert.rejects(async () => items(await call(OWN, user('ada'), unchecked)), { reason: 'OWNERSHIP_UNCHECKED' })
  assert.equal(closed, true)
  const empty = async function* (): AsyncGenerator<number> {
    yield* []
  }
  await assert.rejects(async () => items(await call(OWN, user('ada'), empty)), { reason: 'OWNERSHIP_UNCHECKED' })
})

test('a reader that leaves closes the stream behind the check', async () => {
  let closed = false
  const endless = async function* (ctx: Context): AsyncGenerator<number> {
    authorizeOwner(ctx, 'ada')
    try {
      for (;;) yield 1
    } finally {
      closed = true
    }
  }
  for await (const item of (await call(OWN, user('ada'), endless)) as AsyncIterable<number>) {
    assert.equal(item, 1)
    break
  }
  assert.equal(closed, true)
})

test('a route lets those who are signed in pass to the service, which knows the owner', async () => {
  assert.equal(await call(OWN, user('ada'), undefined, {}, 'route'), 'answer')
  await denied(call(OWN, undefined, undefined, {}, 'route'), 'unauthenticated', 'SIGN_IN_REQUIRED')
})

test('the owner can not be checked where the contract does not speak of owners', async () => {
  const body = (ctx: Context): void => authorizeOwner(ctx, 'ada')
  await denied(call({ kind: 'signed-in' }, user('ada'), body), 'internal', 'OWNERSHIP_NOT_DECLARED')
})

test('a check in a call above does not count for the call below it', async () => {
  const wrap = authorize()
  const base = { kind: 'server', name: 'shop.Orders' } as const
  const inner = wrap(async (_input: undefined, _ctx: Context) => 'inner', { ...base, operation: 'inner', allow: OWN })
  const plain = wrap(async (_input: undefined, ctx: Context) => authorizeOwner(ctx, 'ada'), {
    ...base,
    operation: 'plain',
    allow: { kind: 'public' },
  })
  const outer = wrap(
    async (_input: undefined, ctx: Context) => {
      authorizeOwner(ctx, 'ada')
      await assert.rejects(inner(undefined, ctx.child()), { reason: 'OWNERSHIP_UNCHECKED' })
      await assert.rejects(plain(undefined, ctx.child()), { reason: 'OWNERSHIP_NOT_DECLARED' })
      return 'outer'
    },
    { ...base, operation: 'outer', allow: OWN },
  )
  assert.equal(await outer(undefined, new CallContext(runtime, { identity: user('ada') })), 'outer')
})

test('a role says what it permits in words that make sense', () => {
  assert.throws(() => roles({ clerk: ['orders'] }), /Role clerk: "orders" is not a permission/)
  assert.throws(() => roles({ clerk: ['*:read'] }), TypeError)
  const none = shop.permissionsOf(['unknown', 'constructor', '__proto__'])
  assert.equal(none.size, 0)
  assert.equal(shop.permissionsOf(['orders']).has('order:read'), false)
  assert.equal(shop.permissionsOf(['orders', 'clerk']).has('orders:refund'), true)
})
