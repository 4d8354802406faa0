import { contract, event, fault, serverStream, unary } from 'trellis/contract'
import { z } from 'zod'
import { Id, line, Time } from '../shapes.ts'

/** A BCP 47 tag. */
const Language = z
  .string()
  .min(2)
  .max(35)
  .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/)

/** What a customer may set about how the shop treats them. */
export const Preferences = z
  .object({
    language: Language.optional().describe('A BCP 47 tag, such as `de-AT`.'),
    newsletter: z.boolean().optional(),
  })
  .meta({ id: 'Preferences' })

export const User = z
  .object({
    id: Id,
    email: z.string().max(254),
    name: z.string().max(100),
    preferences: Preferences,
    roles: z.array(z.enum(['customer', 'clerk', 'admin'])),
  })
  .meta({ id: 'User' })
export type User = z.infer<typeof User>

/** An address within the lengths of RFC 5321, section 4.5.3.1: 64 before the at sign, 63 for each part of the domain. */
export const Email = z
  .email({
    pattern:
      /^(?=[^@]{1,64}@)[A-Za-z0-9_'+-]+(?:\.[A-Za-z0-9_'+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/,
  })
  .max(254)
/** One line that is not blank. */
export const Name = z
  .string()
  .min(1)
  .max(100)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are kept out
  .regex(/^[^\u0000-\u001f\u007f]*[^\s\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*$/)

/** Who registers in the examples of the API also signs in there, so that the two can be tried one after the other. */
const EXAMPLE = { email: 'ann@example.com', password: 'correct-horse-battery' }

export const Registration = z
  .object({ email: Email, password: z.string().min(10).max(200), name: Name })
  .meta({ id: 'Registration', examples: [{ ...EXAMPLE, name: 'Ann' }] })
export const Credentials = z
  .object({ email: line({ min: 1, max: 254 }), password: z.string().min(1).max(200) })
  .meta({ id: 'Credentials', examples: [EXAMPLE] })
export const Session = z
  .object({ token: z.string().describe('Sent as `authorization: Bearer`.'), expiresAt: Time, user: User })
  .meta({ id: 'Session' })
export const ProfileChange = z
  .object({ name: Name.optional(), preferences: Preferences.optional() })
  .meta({ id: 'ProfileChange', examples: [{ preferences: { language: 'de-AT' } }] })
export const Nothing = z.object({})
export const UserId = z.object({ userId: Id })

/** A JSON Web Key Set (RFC 7517) of public signing keys. */
export const Jwks = z
  .object({
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
  .meta({ id: 'JsonWebKeySet', description: 'RFC 7517.' })

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
    description: 'Then sign in at `POST /sessions`.',
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
    description:
      'Gives a token for one hour. A wrong address and a wrong password get the same answer; after ten failures within five minutes further attempts are refused for a while.',
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
    description: 'What is left out stays as it is.',
    input: ProfileChange,
    output: User,
    faults: { UserNotFound },
    http: 'PATCH /users/me',
    idempotent: 'natural',
    allow: 'signed-in',
  }),
  list: serverStream({
    summary: 'All users, as a stream',
    input: Nothing,
    output: User,
    http: 'GET /users',
    allow: 'users:read',
  }),
  keys: unary({
    summary: 'Public keys that verify the tokens of this shop',
    description: 'A JSON Web Key Set. Keys rotate; fetch it again when a token names a key that is not in it.',
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
