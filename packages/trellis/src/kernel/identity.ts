/** Who asks. Put into the context by what verified the credentials; nothing below checks them again. */
export interface Identity {
  /** A person at the edge, or a service acting for itself. */
  readonly kind: 'user' | 'service'
  /** The user's id, or the service's name. */
  readonly subject: string
  readonly roles: readonly string[]
  readonly permissions: ReadonlySet<string>
  /** The service through which the call came, when its own token was presented beside the user's. */
  readonly via?: string
  /** The verified bearer token, forwarded on calls made on the user's behalf. Never logged. */
  readonly token?: string
  /** When the credentials expire, milliseconds since 1970. */
  readonly expiresAt?: number
}
