import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { HELLO, place } from '../cli.test-fixture.ts'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(listening => server.once('listening', listening))
  const { port } = server.address() as { port: number }
  await new Promise(closed => server.close(closed))
  return port
}

test('a service and the gateway, each started by itself, make a system; SIGTERM drains them', async () => {
  using here = place()
  const port = await freePort()
  const service = here.stay(['start', HELLO, '--service', 'hello', '--data', 'data'])
  const gateway = here.stay(['start', HELLO, '--gateway', '--port', String(port), '--data', 'data'])
  try {
    for (let status = 0; status !== 200; ) {
      status = await fetch(`http://127.0.0.1:${port}/api/greetings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"name":"Ada"}',
      }).then(
        answer => answer.status,
        () => 0,
      )
      if (service.process.exitCode !== null || gateway.process.exitCode !== null) break
    }
  } finally {
    for (const { process } of [gateway, service]) process.kill('SIGTERM')
  }
  for (const [name, { ended }] of Object.entries({ gateway, hello: service })) {
    const { code, stdout, stderr } = await ended
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.match(stdout, new RegExp(`^${name} listens at http://127\\.0\\.0\\.1:[0-9]+\\n$`))
  }
})
