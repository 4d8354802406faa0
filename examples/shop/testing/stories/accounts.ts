import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { expecting, newAccount, ShopClient } from '../shop-client.ts'
import { refused, type Scene, shaped, TIME } from './at-the-shop.ts'

/** Registering, signing in, one's profile. */
export function accounts(at: () => Scene): void {
  test('who registers is a customer, and nothing of the password comes back', async () => {
    const { email, password, name } = newAccount()
    const answer = await at().visitor.post('/users', { email: email.toUpperCase(), password, name })
    const user = expecting(201, answer)
    shaped(user, 'id', 'email', 'name', 'preferences', 'roles')
    assert.deepEqual(
      { ...user, id: '' },
      { id: '', email: email.toLowerCase(), name, preferences: {}, roles: ['customer'] },
    )
  })

  test('an address registers once, however it is written', async () => {
    const account = newAccount()
    expecting(201, await at().visitor.post('/users', account))
    refused(await at().visitor.post('/users', account), 409, 'already_exists', 'EMAIL_TAKEN')
    const shouted = { ...account, email: account.email.toUpperCase() }
    refused(await at().visitor.post('/users', shouted), 409, 'already_exists', 'EMAIL_TAKEN')
  })

  test('a registration sent twice with one key registers once and answers the same', async () => {
    const account = newAccount()
    const answers = await Promise.all([1, 2].map(() => at().visitor.post('/users', account, { key: account.email })))
    assert.deepEqual(expecting(201, answers[0] as never), expecting(201, answers[1] as never))
  })

  test('a password has at least ten characters', async () => {
    const short = { ...newAccount(), password: '123456789' }
    refused(await at().visitor.post('/users', short), 400, 'invalid_argument')
  })

  test('a session has a token for an hour, and the user as `me` has it', async () => {
    const account = newAccount()
    const client = new ShopClient(at().shop.url)
    await client.register(account)
    const session = await client.signIn(account)
    shaped(session, 'token', 'expiresAt', 'user')
    assert.match(session.expiresAt, TIME)
    assert.deepEqual(expecting(200, await client.get('/users/me')), session.user)
    const [header = '', claims = ''] = session.token.split('.')
    const decoded = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
    assert.match(decoded(header).alg, /^(EdDSA|ES256)$/)
    assert(decoded(header).kid)
    assert.equal(decoded(claims).exp - decoded(claims).iat, 3_600)
  })

  test('an unknown address and a wrong password get the same answer', async () => {
    const { customer, visitor } = at()
    const answers = [
      await visitor.post('/sessions', { email: customer.user.email, password: 'not-the-password' }),
      await visitor.post('/sessions', { email: newAccount().email, password: 'not-the-password' }),
    ]
    for (const answer of answers) refused(answer, 401, 'unauthenticated', 'WRONG_CREDENTIALS')
    assert.deepEqual(answers[0]?.body, answers[1]?.body)
  })

  test('a profile changes in what is given, and keeps the rest', async () => {
    const client = new ShopClient(at().shop.url)
    await client.register()
    const before = expecting(200, await client.get('/users/me'))
    expecting(200, await client.patch('/users/me', { preferences: { language: 'de' } }))
    const after = expecting(
      200,
      await client.patch('/users/me', { name: 'Renamed', preferences: { newsletter: true } }),
    )
    assert.deepEqual(after, { ...before, name: 'Renamed', preferences: { language: 'de', newsletter: true } })
    assert.deepEqual(expecting(200, await client.get('/users/me')), after)
  })

  test('all users are a stream for those who may read them', async () => {
    const { admin, customer, clerk, visitor } = at()
    const users = await admin.lines('/users')
    const ids = users.map(user => user.id)
    assert(ids.includes(customer.user.id) && ids.includes(admin.user.id))
    assert.equal(new Set(ids).size, ids.length)
    const streamed: string[] = []
    for await (const { data } of admin.events('/users')) streamed.push(data.id)
    assert(ids.every(id => streamed.includes(id)))
    refused(await customer.get('/users'), 403, 'permission_denied')
    refused(await clerk.get('/users'), 403, 'permission_denied')
    refused(await visitor.get('/users'), 401, 'unauthenticated')
  })

  test('the public keys verify the tokens, and hold no secret', async () => {
    const { keys } = expecting(200, await at().visitor.get('/.well-known/jwks.json'))
    assert(keys.length >= 1)
    for (const key of keys) {
      assert.equal(key.d, undefined)
      createPublicKey({ key, format: 'jwk' })
    }
    const header = JSON.parse(Buffer.from(String(at().customer.token?.split('.')[0]), 'base64url').toString())
    assert(keys.some((key: { kid: string }) => key.kid === header.kid))
  })

  test('a token that was changed, cut or made up is refused', async () => {
    const token = String(at().customer.token)
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`
    const other = token.at(-2) === 'A' ? 'B' : 'A'
    for (const wrong of [`${token.slice(0, -2)}${other}${token.at(-1)}`, token.slice(0, -9), unsigned, 'x', 'a.b.c']) {
      const client = new ShopClient(at().shop.url, wrong)
      const answer = await client.get('/users/me')
      refused(answer, 401, 'unauthenticated')
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
    }
  })
}

/** Guessing passwords. Comes last: it shuts this address out for minutes. */
export function guessing(at: () => Scene): void {
  test('more than ten failures are throttled, and say when to come again', async () => {
    const { visitor, customer } = at()
    const guess = () => visitor.post('/sessions', { email: customer.user.email, password: 'not-the-password' })
    let answer = await guess()
    for (let guesses = 1; guesses < 12 && answer.status === 401; guesses++) answer = await guess()
    refused(answer, 429, 'resource_exhausted')
    assert(Number(answer.headers.get('retry-after')) > 0)
  })

  test('who is signed in is not touched by it', async () => {
    expecting(200, await at().customer.get('/users/me'))
  })
}
