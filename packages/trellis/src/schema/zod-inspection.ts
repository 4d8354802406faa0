/**
 * What zod's JSON Schema does not tell, read off its nodes while it is made. It spares zod schemas, of which a system has hundreds, the
 * second conversion and the trials that other libraries' schemas go through; those cost most of a start.
 */

/** What was found in a schema. */
export interface ZodInspection {
  /** Path of the first member that JSON can't say. */
  unsayable: string | undefined
  /** There are pipes, whose two ends may have different types. */
  pipes: boolean
  /** There are checks of the user's own, which may be asynchronous. */
  customChecks: boolean
  /** Path of the first array whose items may be undefined. */
  holes: string | undefined
}

/** Options of zod's converter that carry an inspection out. */
export interface InspectingOptions {
  readonly libraryOptions: Record<string, unknown>
  readonly inspection: ZodInspection
}

interface Definition {
  readonly type: string
  readonly checks?: readonly { readonly _zod: { readonly def: { readonly check: string } } }[]
  readonly element?: { readonly _zod: { readonly optin?: string } }
}

interface Node {
  readonly zodSchema: { readonly _zod: { readonly def: Definition } }
  readonly path: readonly (string | number)[]
}

const WITHOUT_JSON: ReadonlySet<string> = new Set([
  ...[
    'transform',
    'date',
    'bigint',
    'symbol',
    'undefined',
    'void',
    'map',
    'set',
    'nan',
    'custom',
    'function',
    'promise',
  ],
])

/** Makes options for a conversion; the inspection is filled in when it has run. `lenient` passes over what JSON can't say. */
export function inspectingOptions(lenient: boolean): InspectingOptions {
  const inspection: ZodInspection = { unsayable: undefined, pipes: false, customChecks: false, holes: undefined }
  const override = ({ zodSchema, path }: Node): void => {
    const { type, checks, element } = zodSchema._zod.def
    if (WITHOUT_JSON.has(type)) inspection.unsayable ??= memberPath(path)
    if (type === 'pipe') inspection.pipes = true
    if (checks?.some(check => check._zod.def.check === 'custom')) inspection.customChecks = true
    if (type === 'array' && element?._zod.optin === 'optional') inspection.holes ??= `${memberPath(path)}[]`
  }
  return { libraryOptions: lenient ? { override, unrepresentable: 'any' } : { override }, inspection }
}

/** `['properties', 'a', 'items']` as `a[]`. */
function memberPath(path: readonly (string | number)[]): string {
  let text = ''
  for (let at = 0; at < path.length; at++) {
    if (path[at] === 'items') text += '[]'
    else if (path[at] === 'additionalProperties') text += '[*]'
    else if (path[at] === 'properties') text += `${text === '' ? '' : '.'}${path[++at]}`
  }
  return text
}
