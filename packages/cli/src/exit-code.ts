/** How a command ended, for the shell. */
export const EXIT = {
  ok: 0,
  /** It could not do what was asked; the last line on stderr says why. */
  failure: 1,
  /** It was asked wrongly: an unknown command, option or name. */
  usage: 2,
} as const
