import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roles } from './roles.ts'

test('a role permits what it lists, and all that its wildcards stand for', () => {
  const map = roles({ clerk: ['orders:read'], orders: ['orders:*'], admin: ['*'] })
  const may = (role: string, permission: string) => map.permissionsOf([role]).has(permission)
  assert.deepEqual([may('clerk', 'orders:read'), may('clerk', 'orders:write')], [true, false])
  assert.deepEqual([may('orders', 'orders:write'), may('orders', 'users:read')], [true, false])
  assert.equal(may('admin', 'users:read'), true)
})

test('roles permit together what each of them does', () => {
  const permissions = roles({ a: ['x:read'], b: ['y:read'] }).permissionsOf(['a', 'b'])
  assert.deepEqual([...permissions], ['x:read', 'y:read'])
})

test('a role that nobody defined permits nothing, whatever its name', () => {
  const map = roles({ customer: [], admin: ['*'] })
  assert.equal(map.permissionsOf(['customer', 'admin']).has('users:read'), true)
  for (const name of ['customer admin', 'customer,admin', '["customer","admin"]', 'constructor', '__proto__']) {
    assert.equal(map.permissionsOf([name]).has('users:read'), false, name)
  }
})
