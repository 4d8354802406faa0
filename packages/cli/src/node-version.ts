/** The oldest Node that runs this: it has the built-in SQLite and the language that the platform is written in. */
const LEAST = [24, 6] as const

/** What to say to a Node that is too old; undefined when it will do. Kept free of imports and of new syntax, since an old Node reads this file. */
export function tooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return undefined
  return `trellis needs Node ${LEAST.join('.')} or newer, and this is ${version}. Install a newer Node, then run this again.`
}
