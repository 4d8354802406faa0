/**
 * Keeps secrets out of log lines, in two ways: members with a telling name lose their value, whatever it is; and every string is
 * searched for text that looks like a credential. The second is a net below the first, for messages and stacks that quote a header or a URL.
 */

/** What stands in place of a secret. */
export const REDACTED = '[redacted]'

const SENSITIVE_NAME =
  /authori[sz]ation|passw|passphrase|pwd|token|secret|cookie|apikey|credential|privatekey|sessionid|signingkey|encryptionkey/

/** Whether a member of this name holds a secret: `Authorization`, `set-cookie`, `apiKey`, `user_password`, `x-api-key`, … in any spelling. */
export function isSensitiveName(name: string): boolean {
  return SENSITIVE_NAME.test(name.toLowerCase().replace(/[^a-z0-9]/g, ''))
}

const NAMES = 'passw(?:or)?d|passphrase|pwd|token|secret|api[-_]?key|credentials?|authorization|session[-_]?id|cookie'
const SUSPICIOUS = new RegExp(`eyJ|:\\/\\/|scrypt\\$|bearer|basic|${NAMES}`, 'i')

// Where the end of a secret is in doubt, too much is taken rather than too little.
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(\s*:\s*)[^\r\n]+/gi, `$1$2${REDACTED}`],
  [/\b(bearer)(\s+|%20)[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  [/\b(basic)(\s+|%20)[\w+/=-]{12,}/gi, `$1 ${REDACTED}`],
  // Also without a dot: a token that was cut, and no second look at what begins many times and never ends as one.
  [/eyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g, REDACTED],
  [/scrypt\$[^\s"']+/g, REDACTED],
  [/(:\/\/[^\s/"'@:]*):[^\s/"'@]+@/g, `$1:${REDACTED}@`],
  [new RegExp(`((?:${NAMES})[\\w-]*\\s*=\\s*)(?:"[^"]*"?|'[^']*'?|[^&\\s"']+)`, 'gi'), `$1${REDACTED}`],
  [new RegExp(`((?:${NAMES})[\\w-]*\\\\*["']\\s*:\\s*\\\\*["'])(?:\\\\.|[^"'\\\\])*`, 'gi'), `$1${REDACTED}`],
]

/** The text with everything that looks like a credential replaced: bearer and basic headers, JWTs, cookies, passwords in URLs, `password=…`, `"token":"…"`. */
export function redactText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text
  let clean = text
  for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement)
  return clean
}
