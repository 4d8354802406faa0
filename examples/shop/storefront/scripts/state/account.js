/** Registering, signing in, changing one's profile. */
import { act, actOnce } from '../net/api.js'
import { changeUser, startSession } from './session.js'

export async function signIn(email, password) {
  startSession(await actOnce('POST', '/sessions', { email, password }))
}

/** Registers and signs in. */
export async function register({ name, email, password }) {
  await act('POST', '/users', { name, email, password }, { isSecret: true })
  await signIn(email, password)
}

/** @param {{ name?: string, preferences?: { newsletter?: boolean } }} change */
export async function changeProfile(change) {
  changeUser(await act('PATCH', '/users/me', change))
}
