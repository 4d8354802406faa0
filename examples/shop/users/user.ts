/** Users and their credentials, as rows. The hash of a password never leaves this file but to be compared. */
import type { Dialect, Migration, Sql } from 'trellis/store'
import type { User } from './contract.ts'

export const userMigrations: readonly Migration[] = [
  {
    name: '001-users',
    statements: ({ types }) => [
      `create table account (id ${types.key} primary key, email ${types.key} not null unique, name ${types.text} not null,
        preferences ${types.text} not null, roles ${types.text} not null, created_at ${types.integer} not null)`,
      `create table credential (user_id ${types.key} primary key, password ${types.text} not null)`,
      `create table session_key (kid ${types.key} primary key, material ${types.text} not null)`,
    ],
  },
]

interface UserRow {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly preferences: string
  readonly roles: string
}

const COLUMNS = 'id, email, name, preferences, roles'

function toUser(row: UserRow): User {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    preferences: JSON.parse(row.preferences),
    roles: JSON.parse(row.roles),
  }
}

/** One address, however it is written: people type capitals and blanks. */
export function normalEmail(email: string): string {
  return email.trim().toLowerCase()
}

export async function findUser(sql: Sql, id: string): Promise<User | undefined> {
  const row = await sql.get<UserRow>(`select ${COLUMNS} from account where id = ?`, id)
  return row === undefined ? undefined : toUser(row)
}

export async function findByEmail(sql: Sql, email: string): Promise<{ user: User; password: string } | undefined> {
  const row = await sql.get<UserRow & { password: string }>(
    'select id, email, name, preferences, roles, password from account join credential on user_id = id where email = ?',
    normalEmail(email),
  )
  return row === undefined ? undefined : { user: toUser(row), password: row.password }
}

/** Users behind an id, by id. */
export async function usersAfter(sql: Sql, id: string, limit: number): Promise<User[]> {
  const rows = await sql.all<UserRow>(`select ${COLUMNS} from account where id > ? order by id limit ?`, id, limit)
  return rows.map(toUser)
}

/** Adds a user; false when the address is taken. */
export async function addUser(
  tx: Sql & { readonly now: number; readonly dialect: Dialect },
  user: User,
  password: string,
): Promise<boolean> {
  const added = await tx.run(
    tx.dialect.insertOrIgnore('account', ['id', 'email', 'name', 'preferences', 'roles', 'created_at']),
    user.id,
    user.email,
    user.name,
    JSON.stringify(user.preferences),
    JSON.stringify(user.roles),
    tx.now,
  )
  if (added === 0) return false
  await tx.run('insert into credential (user_id, password) values (?, ?)', user.id, password)
  return true
}

export async function changeUser(tx: Sql, user: User): Promise<void> {
  const preferences = JSON.stringify(user.preferences)
  await tx.run('update account set name = ?, preferences = ? where id = ?', user.name, preferences, user.id)
}

/** Replaces the hash of a password by one of the present strength. */
export async function changePassword(tx: Sql, userId: string, password: string): Promise<void> {
  await tx.run('update credential set password = ? where user_id = ?', password, userId)
}
