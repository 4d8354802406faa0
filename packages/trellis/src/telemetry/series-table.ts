import type { Labels } from './telemetry.ts'

/** Most label sets of one instrument. Each costs memory here and in whatever scrapes; more than this is a label that should not be one. */
const MAX_SERIES = 1_000
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const NO_LABELS: Labels = {}

/** The series of one instrument by their labels. Beyond `MAX_SERIES` all further label sets share one series whose labels all say `other`. */
export class SeriesTable<S> {
  readonly #make: (labelText: string) => S
  readonly #overflowed: () => void
  readonly #reserved: string | undefined
  readonly #series = new Map<string, S>()
  #other: string | undefined

  constructor(make: (labelText: string) => S, overflowed: () => void, reserved?: string) {
    this.#make = make
    this.#overflowed = overflowed
    this.#reserved = reserved
  }

  /** Label text (`code="ok",operation="get"`, empty without labels) and series, in the order of their making. */
  get entries(): Iterable<[string, S]> {
    return this.#series
  }

  /** The series of these labels, made when it is new. The order of the labels does not matter. */
  get(labels: Labels = NO_LABELS): S {
    const text = labelText(labels)
    const known = this.#series.get(text)
    if (known !== undefined) return known
    this.#check(labels)
    if (this.#series.size < MAX_SERIES || text === '') return this.#add(text)
    this.#overflowed()
    this.#other ??= labelText(Object.fromEntries(Object.keys(labels).map(name => [name, 'other'])))
    return this.#series.get(this.#other) ?? this.#add(this.#other)
  }

  /** Takes a series out. */
  remove(labels: Labels = NO_LABELS): void {
    this.#series.delete(labelText(labels))
  }

  #add(text: string): S {
    const made = this.#make(text)
    this.#series.set(text, made)
    return made
  }

  #check(labels: Labels): void {
    for (const name in labels) {
      if (!LABEL_NAME.test(name) || name.startsWith('__') || name === this.#reserved) {
        throw new TypeError(`Label ${JSON.stringify(name)}: use letters, digits and _, and no reserved name.`)
      }
    }
  }
}

function labelText(labels: Labels): string {
  const names = Object.keys(labels)
  if (names.length > 1) names.sort()
  let text = ''
  for (const name of names) text += `${text === '' ? '' : ','}${name}="${escapeLabel(String(labels[name]))}"`
  return text
}

const SPECIAL = /[\\"\n]/

function escapeLabel(value: string): string {
  if (!SPECIAL.test(value)) return value
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
