import type { ServiceContext } from 'trellis/service'
import { UserCreated } from './contract.ts'
import { passwords } from './passwords.ts'
import { addUser, findByEmail } from './user.ts'

const STAFF = [
  { role: 'admin', email: 'admin@shop.example', name: 'Ada Admin', setting: 'SHOP_ADMIN_PASSWORD' },
  { role: 'clerk', email: 'clerk@shop.example', name: 'Cleo Clerk', setting: 'SHOP_CLERK_PASSWORD' },
] as const

/** The accounts that the shop needs to be run: made once, with passwords that are told once. */
export async function seedStaff(ctx: ServiceContext): Promise<void> {
  for (const { role, email, name, setting } of STAFF) {
    if ((await findByEmail(ctx.read, email)) !== undefined) {
      ctx.notice(`${role}: ${email}`)
      continue
    }
    const given = ctx.setting(setting)
    const password = given ?? Buffer.from(ctx.runtime.random.bytes(12)).toString('base64url')
    const hash = await ctx.resource(passwords).hash(password)
    const user = { id: ctx.newId(), email, name, preferences: {}, roles: [role] }
    const added = await ctx.transaction(async tx => {
      if (!(await addUser(tx, user, hash))) return false
      await tx.publish(UserCreated, { userId: user.id, email, name }, { key: user.id })
      return true
    })
    if (!added) continue // another instance was first, and tells its password
    const told = given === undefined ? `password ${password} (told this once)` : `password as in ${setting}`
    ctx.notice(`${role}: ${email}, ${told}`, { secret: given === undefined })
  }
}
