import { raise } from 'trellis/contract'
import { clientAddress } from 'trellis/rpc'
import { networkOf } from 'trellis/security'
import type { ServiceContext } from 'trellis/service'
import { implement, service } from 'trellis/service'
import { callerOf } from '../caller.ts'
import type { User } from './contract.ts'
import { EmailTaken, UserCreated, UserNotFound, Users, UserUpdated, WrongCredentials } from './contract.ts'
import { failures, passwords, tokens } from './passwords.ts'
import { seedStaff } from './seed-staff.ts'
import {
  addUser,
  changePassword,
  changeUser,
  findByEmail,
  findUser,
  normalEmail,
  userMigrations,
  usersAfter,
} from './user.ts'

async function existing(userId: string, ctx: ServiceContext): Promise<User> {
  const user = await findUser(ctx.read, userId)
  if (user === undefined) throw raise(UserNotFound, { details: { userId } })
  return user
}

/** The user whose address and password these are, or undefined. Takes the same time for an unknown address. */
async function authenticate(email: string, password: string, ctx: ServiceContext): Promise<User | undefined> {
  const found = await findByEmail(ctx.read, email)
  const { ok, rehash } = await ctx.resource(passwords).verify(password, found?.password, ctx)
  if (!ok || found === undefined) return undefined
  if (rehash) {
    const stronger = await ctx.resource(passwords).hash(password, ctx)
    await ctx.transaction(tx => changePassword(tx, found.user.id, stronger))
  }
  return found.user
}

/** Users at a time while all are listed. */
const BATCH = 100

export const users = service('users', {
  capability: 'identity',
  owns: ['user', 'credential', 'session key'],
  publishes: [UserCreated, UserUpdated],
  migrations: userMigrations,
  resources: [passwords, failures, tokens],
  start: seedStaff,
  provides: [
    implement(Users, {
      async register({ email, password, name }, ctx) {
        const address = normalEmail(email)
        // Whether the address is taken is asked in the transaction alone: a repeat of this call, after a crash, must not meet its own account.
        const hash = await ctx.resource(passwords).hash(password, ctx)
        const user: User = { id: ctx.newId(), email: address, name: name.trim(), preferences: {}, roles: ['customer'] }
        return ctx.transaction(async tx => {
          if (!(await addUser(tx, user, hash))) throw raise(EmailTaken)
          await tx.publish(UserCreated, { userId: user.id, email: address, name: user.name }, { key: user.id })
          return user
        })
      },

      async signIn({ email, password }, ctx) {
        const address = ctx.get(clientAddress)
        const keys = [
          `account:${normalEmail(email)}`,
          ...(address === undefined ? [] : [`address:${networkOf(address)}`]),
        ]
        const user = await ctx.resource(failures).attempt(keys, () => authenticate(email, password, ctx))
        if (user === undefined) throw raise(WrongCredentials)
        const { token, expiresAt } = await ctx.resource(tokens).issue({ subject: user.id, roles: user.roles })
        return { token, expiresAt: new Date(expiresAt).toISOString(), user }
      },

      me: (_, ctx) => existing(callerOf(ctx), ctx),

      async changeMe({ name, preferences }, ctx) {
        const userId = callerOf(ctx)
        return ctx.transaction(async tx => {
          const before = await findUser(tx, userId)
          if (before === undefined) throw raise(UserNotFound, { details: { userId } })
          const user: User = {
            ...before,
            name: name?.trim() ?? before.name,
            preferences: { ...before.preferences, ...preferences },
          }
          await changeUser(tx, user)
          await tx.publish(UserUpdated, { userId, name: user.name }, { key: userId })
          return user
        })
      },

      async *list(_, ctx) {
        let after = ''
        for (;;) {
          const batch = await usersAfter(ctx.read, after, BATCH)
          yield* batch
          const last = batch.at(-1)
          if (last === undefined || batch.length < BATCH) return
          after = last.id
        }
      },

      async keys(_, ctx) {
        const { keys } = await ctx.resource(tokens).jwks()
        return {
          keys: keys.map(({ kty, crv, x, y, kid, alg, use }) => ({
            kty,
            kid,
            alg,
            use,
            ...(crv && { crv }),
            ...(x && { x }),
            ...(y && { y }),
          })),
        }
      },

      get: ({ userId }, ctx) => existing(userId, ctx),
    }),
  ],
})
