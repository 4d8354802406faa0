/** `iss` of the shop's tokens. */
export const ISSUER = 'shop'
/** `aud` of the shop's tokens. */
export const AUDIENCE = 'shop'
