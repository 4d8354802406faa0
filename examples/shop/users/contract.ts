import { contract, event, fault, serverStream, unary } from 'trellis/contract'
import { z } from 'zod'
import { Id, Time } from '../shapes.ts'

/** What a customer may set about how the shop treats them. */
export const Preferences = z.object({
  language: z.string().min(2).max(35).optional(),
  newsletter: z.boolean().optional(),
})

export const User = z.object({
  id: Id,
  email: z.string().max(254),
  name: z.string().max(100),
  preferences: Preferences,
  roles: z.array(z.enum(['customer', 'clerk', 'admin'])),
})
export type User = z.infer<typeof User>

export const Email = z.email().max(254)
export const Name = z.string().min(1).max(100).regex(/\S/)

export const Registration = z.object({ email: Email, password: z.string().min(10).max(200), name: Name })
export const Credentials = z.object({ email: z.string().min(1).max(254), password: z.string().min(1).max(200) })
export const Session = z.object({ token: z.string(), expiresAt: Time, user: User })
export const ProfileChange = z.object({ name: Name.optional(), preferences: Preferences.optional() })
export const Nothing = z.object({})
export const UserId = z.object({ userId: Id })

/** A JSON Web Key Set (RFC 7517) of public signing keys. */
export const Jwks = z.object({
  keys: z.array(
    z.object({
      kty: z.string(),
      crv: z.string().optional(),
      x: z.string().optional(),
      y: z.string().optional(),
      kid: z.string(),
      alg: z.string(),
      use: z.string(),
    }),
  ),
})

export const EmailTaken = fault({
  code: 'already_exists',
  reason: 'EMAIL_TAKEN',
  message: 'An account with this address exists; sign in, or register with another address.',
})
export const WrongCredentials = fault({
  code: 'unauthenticated',
  reason: 'WRONG_CREDENTIALS',
  message: 'The address or the password is wrong; check both and try again.',
})
export const UserNotFound = fault({
  code: 'not_found',
  reason: 'USER_NOT_FOUND',
  message: 'There is no such user, or the account is closed.',
  details: z.object({ userId: Id }),
})

export const Users = contract('shop.users.v1.Users', {
  register: unary({
    summary: 'Register a customer',
    input: Registration,
    output: User,
    faults: { EmailTaken },
    http: 'POST /users',
    status: 201,
    idempotent: 'key',
    allow: 'public',
  }),
  signIn: unary({
    summary: 'Sign in',
    input: Credentials,
    output: Session,
    faults: { WrongCredentials },
    http: 'POST /sessions',
    status: 201,
    allow: 'public',
  }),
  me: unary({
    summary: 'The signed-in user',
    input: Nothing,
    output: User,
    faults: { UserNotFound },
    http: 'GET /users/me',
    allow: 'signed-in',
  }),
  changeMe: unary({
    summary: 'Change the profile of the signed-in user',
    input: ProfileChange,
    output: User,
    faults: { UserNotFound },
    http: 'PATCH /users/me',
    idempotent: 'natural',
    allow: 'signed-in',
  }),
  list: serverStream({
    summary: 'All users',
    input: Nothing,
    output: User,
    http: 'GET /users',
    allow: 'users:read',
  }),
  keys: unary({
    summary: 'Public keys that verify the tokens of this shop',
    input: Nothing,
    output: Jwks,
    http: 'GET /.well-known/jwks.json',
    allow: 'public',
  }),
  get: unary({
    summary: 'A user by id, for other services',
    input: UserId,
    output: User,
    faults: { UserNotFound },
    readonly: true,
    allow: 'internal',
  }),
})

export const UserCreated = event(
  'shop.users.user-created.v1',
  z.object({ userId: Id, email: z.string(), name: z.string() }),
)
export const UserUpdated = event('shop.users.user-updated.v1', z.object({ userId: Id, name: z.string() }), {
  external: true,
})
