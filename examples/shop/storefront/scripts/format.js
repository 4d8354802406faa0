/** Values as people read them. */

const formats = new Map()

/** An amount in minor units. How many make one unit differs by currency, and the browser knows. */
export function money({ amount, currency }) {
  let format = formats.get(currency)
  if (format === undefined) {
    format = new Intl.NumberFormat(undefined, { style: 'currency', currency })
    formats.set(currency, format)
  }
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits)
}

const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

/** Date and time of an RFC 3339 time. */
export function when(time) {
  return dateAndTime.format(new Date(time))
}

/** Time of day of an RFC 3339 time, to the second. */
export function clock(time) {
  return timeOfDay.format(new Date(time))
}

/** Milliseconds between two events, in the unit that suits. */
export function gap(ms) {
  if (ms < 1000) return `+${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `+${(ms / 1000).toFixed(1)} s`
  return `+${Math.round(ms / 60_000)} min`
}

/** `one thing`, `2 things`. */
export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`
}

/** The first letters of an id: enough to tell one's own orders apart. */
export function shortId(id) {
  return id.replaceAll('-', '').slice(-8)
}
