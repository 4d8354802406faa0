/**
 * Keeps secrets out of log lines, in two ways: members with a telling name lose their value, whatever it is; and a finished line is searched
 * for text that looks like a credential. The second is a net below the first, for messages and stacks that quote a header or a URL.
 */

/** What stands in place of a secret. */
export const REDACTED = '[redacted]'

const SENSITIVE_NAME =
  /authori[sz]ation|passw|passphrase|pwd|token|secret|cookie|apikey|credential|privatekey|sessionid|signingkey|encryptionkey/

/** Field names are few, since they come from code; the bound only guards against code that makes them up. */
const MAX_KNOWN_NAMES = 2_000
const knownNames = /* @__PURE__ */ new Map<string, boolean>()

/** Whether a member of this name holds a secret: `Authorization`, `set-cookie`, `apiKey`, `user_password`, `x-api-key`, … in any spelling. */
export function isSensitiveName(name: string): boolean {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  const sensitive = SENSITIVE_NAME.test(name.toLowerCase().replace(/[^a-z0-9]/g, ''))
  if (knownNames.size >= MAX_KNOWN_NAMES) knownNames.clear()
  knownNames.set(name, sensitive)
  return sensitive
}

const NAMES = 'passw(?:or)?d|passphrase|pwd|token|secret|api[-_]?key|credentials?|authorization|session[-_]?id|cookie'
const SUSPICIOUS = new RegExp(`eyJ|:\\/\\/|scrypt\\$|bearer|basic\\s|${NAMES}`, 'i')

// Each pattern works on text that may be inside a JSON string: it never takes a quote, and takes a backslash only together with what it escapes.
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b(bearer)(\s+|%20)[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  [/\b(basic)(\s+|%20)[\w+/=-]{12,}/gi, `$1 ${REDACTED}`],
  [/\beyJ[\w-]{6,}(?:\.[\w-]*){1,4}/g, REDACTED],
  [/scrypt\$[^\s"\\]+/g, REDACTED],
  [/(:\/\/[^\s/"\\:@]*):[^\s/"\\@]+@/g, `$1:${REDACTED}@`],
  [/\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(\s*:\s*)(?:[^"\\]|\\[^rn"])+/gi, `$1$2${REDACTED}`],
  [new RegExp(`((?:${NAMES})[\\w-]*=)(?:[^&\\s"\\\\]|\\\\.)+`, 'gi'), `$1${REDACTED}`],
  [new RegExp(`((?:${NAMES})[\\w-]*\\\\*"\\s*:\\s*\\\\*")(?:[^"\\\\]|\\\\\\\\\\\\"|\\\\[^"])*`, 'gi'), `$1${REDACTED}`],
]

/** The line with everything that looks like a credential replaced. A JSON line stays valid JSON. */
export function redactLine(line: string): string {
  if (!SUSPICIOUS.test(line)) return line
  let clean = line
  for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement)
  return clean
}
