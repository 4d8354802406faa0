import type { Notice } from 'trellis/service'
import { print } from './terminal.ts'

/** Collects what services tell while a system starts. What comes later (a service was started again) is printed, unless it was told before. */
export class NoticeBoard {
  readonly #quiet: boolean
  readonly #told = new Set<string>()
  #early: Notice[] | undefined = []

  constructor(options: { readonly quiet: boolean }) {
    this.#quiet = options.quiet
  }

  /** Takes a notice. */
  hear(notice: Notice): void {
    const line = `${notice.service}: ${notice.text}`
    if (this.#told.has(line)) return
    this.#told.add(line)
    if (this.#early !== undefined) this.#early.push(notice)
    else if (this.#isWanted(notice)) print(line)
  }

  /** The notices so far that are to be shown. From now on they are printed as they come. */
  take(): readonly Notice[] {
    const early = this.#early ?? []
    this.#early = undefined
    return early.filter(notice => this.#isWanted(notice))
  }

  /** A quiet start tells only what is told once: new passwords. */
  #isWanted({ secret }: Notice): boolean {
    return secret || !this.#quiet
  }
}
