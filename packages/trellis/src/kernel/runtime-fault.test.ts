import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectFault, diskFault, errorCode, listenFault } from './runtime-fault.ts'

const failure = (code: string): Error => Object.assign(new Error(`${code}: from the system`), { code })
const address = { host: '127.0.0.1', port: 80 }

test('a full disk and a used-up quota are DISK_FULL, everything else DISK_FAILED', () => {
  assert.equal(diskFault(failure('ENOSPC'), '/data/x').reason, 'DISK_FULL')
  assert.equal(diskFault(failure('EDQUOT'), '/data/x').reason, 'DISK_FULL')
  for (const code of ['EACCES', 'EROFS', 'EIO', 'EWHATEVER']) {
    assert.equal(diskFault(failure(code), '/data/x').reason, 'DISK_FAILED')
  }
})

test('a disk fault names the path, the code and what to do, and keeps the cause', () => {
  const cause = failure('EROFS')
  const fault = diskFault(cause, '/data/x')
  assert.equal(fault.message, '/data/x: EROFS. The disk is read-only; choose another folder.')
  assert.equal(fault.cause, cause)
  assert.match(diskFault(failure('constructor'), '/data/x').message, /Check the path/)
})

test('what cannot be listened on says why', () => {
  assert.equal(listenFault(failure('EADDRINUSE'), address).reason, 'PORT_IN_USE')
  assert.match(listenFault(failure('EACCES'), address).message, /above 1023/)
  assert.match(listenFault(failure('EADDRNOTAVAIL'), address).message, /does not have that address/)
  assert.match(listenFault(failure('EINVAL'), address).message, /127\.0\.0\.1:80: EINVAL\. Check/)
})

test('what cannot be connected to may be tried again', () => {
  const fault = connectFault(failure('ECONNREFUSED'), address)
  assert.equal(fault.reason, 'CONNECT_FAILED')
  assert.equal(fault.retryable, true)
})

test('an error without a code is UNKNOWN', () => {
  for (const error of [new Error('x'), undefined, null, 'text', { code: 7 }]) assert.equal(errorCode(error), 'UNKNOWN')
})
