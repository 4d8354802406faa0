import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ANN, CLERK, PLACES, startScene } from './gateway.test-fixture.ts'

const limit = { timeout: 20_000 }

for (const place of PLACES) {
  describe(`a gateway before a ${place} service`, () => {
    test('passes a request on and its answer back', limit, async t => {
      const scene = await startScene(t, { place })
      const answer = await scene.request('GET', '/api/books/b-7')
      assert.equal(answer.status, 200)
      assert.deepEqual(answer.json, { bookId: 'b-7', title: 'A book' })
      assert.equal(answer.header('content-type'), 'application/json')
    })

    test('passes a body and a status on', limit, async t => {
      const scene = await startScene(t, { place })
      const answer = await scene.request('POST', '/api/books', ANN, '{"title":"New"}')
      assert.equal(answer.status, 201)
      assert.deepEqual(answer.json, { bookId: 'b-1', title: 'New' })
    })
  })
}
