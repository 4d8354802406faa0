import assert from 'node:assert/strict'
import { test } from 'node:test'
import { staticRegistry } from './static.ts'

const address = { host: '10.0.0.7', port: 80 }

test('a watch gives what is written down', async () => {
  const registry = staticRegistry({ orders: [address] })
  const lists: string[][] = []
  const watch = await registry.watch('orders', list => lists.push(list.map(({ id }) => id)))
  assert.deepEqual(lists, [['orders@10.0.0.7:80']])
  assert.deepEqual(watch.instances[0]?.address, address)
})

test('a service that is not written down has no instances', async () => {
  const watch = await staticRegistry({}).watch('orders', () => undefined)
  assert.deepEqual(watch.instances, [])
})

test('registering is accepted and changes nothing', async () => {
  const registry = staticRegistry({ orders: [address] })
  const registration = await registry.register({ id: 'x', service: 'orders', address, metadata: {} })
  await registration.leave()
  assert.equal((await registry.watch('orders', () => undefined)).instances.length, 1)
})

test('addresses that can not be are refused', () => {
  assert.throws(() => staticRegistry({ orders: [{ host: '', port: 80 }] }), /orders is at :80/)
  assert.throws(() => staticRegistry({ orders: [{ host: 'h', port: 0 }] }), /h:0/)
  assert.throws(() => staticRegistry({ orders: [address, address] }), /listed twice/)
})
