import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import type { Contract } from '../contract/index.ts'
import { contract, event, message, unary } from '../contract/index.ts'
import { expose } from '../gateway/index.ts'
import type { ServiceOptions } from '../service/index.ts'
import { implement, on, service } from '../service/index.ts'
import type { Finding } from './check.ts'
import { checkSystem } from './check.ts'
import { system } from './system.ts'

const Empty = z.object({})
const offer = (name: string, http?: string): Contract =>
  contract(name, {
    go: unary({ input: Empty, output: Empty, allow: 'public', ...(http === undefined ? {} : { http }) }),
  })
const A = offer('test.a.v1.A', 'POST /go')
const B = offer('test.b.v1.B', 'POST /go')
const handlers = { go: async () => ({}) }
const Happened = event('test.a.happened.v1', Empty)
const Order = message('test.a.order.v1', Empty)
const nothing = async (): Promise<void> => undefined

const make = (name: string, options: Partial<ServiceOptions> = {}) =>
  service(name, { capability: name, owns: [name], ...options })
const rules = (findings: readonly Finding[]): string[] => findings.map(({ level, rule }) => `${level} ${rule}`)

test('a sound system has no findings', () => {
  const a = make('a', {
    provides: [implement(A, handlers)],
    publishes: [Happened, Order],
    consumes: [on(Order, nothing)],
  })
  const b = make('b', { uses: [A], consumes: [on(Happened, nothing)] })
  assert.deepEqual(checkSystem(system('s', { services: [a, b], gateway: { routes: [expose(A)] } })), [])
})

test('two owners of one datum are refused', () => {
  const findings = checkSystem(
    system('s', { services: [make('a', { owns: ['order'] }), make('b', { owns: ['order'] })] }),
  )
  assert.deepEqual(rules(findings), ['error TWO_OWNERS'])
  assert.match(findings[0]?.message ?? '', /a and b both own "order"/)
})

test('the use of a contract that nobody provides is refused', () => {
  assert.deepEqual(rules(checkSystem(system('s', { services: [make('b', { uses: [A] })] }))), [
    'error UNKNOWN_CONTRACT',
  ])
})

test('a contract that names another service than its provider is refused', () => {
  assert.deepEqual(rules(checkSystem(system('s', { services: [make('c', { provides: [implement(A, handlers)] })] }))), [
    'error UNKNOWN_CONTRACT',
  ])
})

test('a contract with two providers is refused', () => {
  const services = [
    make('a', { provides: [implement(A, handlers)] }),
    make('b', { provides: [implement(A, handlers)] }),
  ]
  assert.deepEqual(rules(checkSystem(system('s', { services }))), ['error TWO_PROVIDERS'])
})

test('a cycle of calls is refused, and named', () => {
  const a = make('a', { provides: [implement(A, handlers)], uses: [B] })
  const b = make('b', { provides: [implement(B, handlers)], uses: [A] })
  const findings = checkSystem(system('s', { services: [a, b] }))
  assert.deepEqual(rules(findings), ['error CALL_CYCLE'])
  assert.match(findings[0]?.message ?? '', /a → b → a/)
})

test('a consumed event that nobody publishes is refused', () => {
  assert.deepEqual(rules(checkSystem(system('s', { services: [make('a', { consumes: [on(Happened, nothing)] })] }))), [
    'error UNPUBLISHED_EVENT',
  ])
})

test('a message needs exactly one handler', () => {
  assert.deepEqual(rules(checkSystem(system('s', { services: [make('a', { publishes: [Order] })] }))), [
    'error UNHANDLED_MESSAGE',
  ])
  const services = [
    make('a', { publishes: [Order], consumes: [on(Order, nothing)] }),
    make('b', { consumes: [on(Order, nothing)] }),
  ]
  assert.deepEqual(rules(checkSystem(system('s', { services }))), ['error TWO_OWNERS'])
})

test('an event that nobody consumes is a warning, unless it is marked as external', () => {
  const published = (type: ReturnType<typeof event>) =>
    checkSystem(system('s', { services: [make('a', { publishes: [type] })] }))
  assert.deepEqual(rules(published(Happened)), ['warning UNCONSUMED_EVENT'])
  assert.deepEqual(published(event('test.a.told.v1', Empty, { external: true })), [])
})

test('two exposed operations of one route, and an exposed contract that nobody provides, are refused', () => {
  const services = [
    make('a', { provides: [implement(A, handlers)] }),
    make('b', { provides: [implement(B, handlers)] }),
  ]
  const findings = checkSystem(system('s', { services, gateway: { routes: [expose(A), expose(B)] } }))
  assert.deepEqual(rules(findings), ['error SAME_ROUTE'])
  assert.deepEqual(rules(checkSystem(system('s', { services: [], gateway: { routes: [expose(A)] } }))), [
    'error UNKNOWN_ROUTE',
  ])
})

test('operations that are not exposed may share a route', () => {
  const C = contract('test.c.v1.C', {
    go: unary({ input: Empty, output: Empty, allow: 'public', http: 'POST /go' }),
    other: unary({ input: Empty, output: Empty, allow: 'public', http: 'POST /other' }),
  })
  const services = [
    make('a', { provides: [implement(A, handlers)] }),
    make('c', { provides: [implement(C, { ...handlers, other: async () => ({}) })] }),
  ]
  const routes = [expose(A), expose(C, { except: ['go'] })]
  assert.deepEqual(checkSystem(system('s', { services, gateway: { routes } })), [])
})

test('a route without allow is refused', () => {
  const bare = { ...A, operations: { go: { ...A.operations.go, allow: undefined } } } as unknown as Contract
  const services = [make('a', { provides: [implement(A, handlers)] })]
  const exposed = { contract: bare, operations: ['go'], maxBodyBytes: undefined }
  const findings = checkSystem(system('s', { services, gateway: { routes: [exposed] } }))
  assert.deepEqual(rules(findings), ['error ROUTE_WITHOUT_ALLOW'])
})

test('two parts of one name, and a bad name, are refused where the system is declared', () => {
  assert.throws(() => system('s', { services: [make('a'), make('a')] }), /two parts named a/)
  assert.throws(() => system('S', { services: [] }), /lower-case/)
})
