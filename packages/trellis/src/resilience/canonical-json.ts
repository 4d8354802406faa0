/** JSON with the members of objects in the order of their names, so that equal values have equal text (RFC 8785, section 3.2.3). Undefined members are left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    const sorted: Record<string, unknown> = Object.create(null)
    for (const name of Object.keys(member).sort()) sorted[name] = (member as Record<string, unknown>)[name]
    return sorted
  })
}
