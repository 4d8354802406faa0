/** Tokens of customers who never signed in: signing in a thousand times would take a minute, and is not what is measured. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createRuntime } from 'trellis/kernel'
import type { SigningKey } from 'trellis/security'
import { createTokenIssuer } from 'trellis/security'
import { AUDIENCE, ISSUER } from '../examples/shop/users/tokens.ts'
import type { Shop } from './shop.ts'
import { CLERK } from './shop.ts'

/** Valid tokens of `count` different customers, signed with the key of a running shop. */
export async function issueTokens(shop: Pick<Shop, 'url' | 'folder'>, count: number): Promise<string[]> {
  await signIn(shop.url, CLERK) // the first sign-in makes the key
  const keys = readKeys(shop.folder)
  const issuer = createTokenIssuer(createRuntime(), {
    keys: {
      load: () => Promise.resolve(keys),
      update: () => Promise.reject(new Error('The shop has no key that signs now; start it on a fresh folder.')),
    },
    issuer: ISSUER,
    audience: AUDIENCE,
  })
  const tokens: string[] = []
  for (let index = 0; index < count; index++) {
    const { token } = await issuer.issue({ subject: `bench-customer-${index}`, roles: ['customer'] })
    tokens.push(token)
  }
  return tokens
}

function readKeys(folder: string): SigningKey[] {
  const database = new DatabaseSync(join(folder, 'users', 'users.db'), { readOnly: true })
  try {
    const rows = database.prepare('select material from session_key').all() as { material: string }[]
    return rows.map(({ material }) => JSON.parse(material) as SigningKey)
  } finally {
    database.close()
  }
}

/** Signs in as people do; the token. */
export async function signIn(
  url: string,
  account: { readonly email: string; readonly password: string },
): Promise<string> {
  const answer = await fetch(`${url}/api/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  })
  const session = (await answer.json()) as { readonly token?: string }
  if (session.token === undefined) throw new Error(`Signing in answered ${answer.status}: ${JSON.stringify(session)}`)
  return session.token
}
