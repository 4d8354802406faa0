// Finds where a file reaches the world by itself: by a module of Node's, or by a global.
import { type Node, visitorKeys } from 'oxc-parser'
import { importsOf, type Source } from './source.ts'

/** Something of the outside world that a file uses: `node:fs`, `Date.now`, `setTimeout`. */
export interface OutsideUse {
  readonly name: string
  readonly start: number
}

const modules: ReadonlySet<string> = new Set(
  [
    'net',
    'tls',
    'fs',
    'fs/promises',
    'dgram',
    'dns',
    'dns/promises',
    'http',
    'https',
    'http2',
    'timers',
    'timers/promises',
  ]
    .concat(['sqlite', 'worker_threads', 'child_process', 'cluster'])
    .flatMap(name => [name, `node:${name}`]),
)

const globals: ReadonlySet<string> = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'fetch',
  'WebSocket',
  'EventSource',
])

const members: Readonly<Record<string, ReadonlySet<string>>> = {
  Date: new Set(['now']),
  performance: new Set(['now', 'timeOrigin']),
  Math: new Set(['random']),
  process: new Set(['hrtime', 'uptime']),
  AbortSignal: new Set(['timeout']),
}

const chance: ReadonlySet<string> = new Set([
  'randomUUID',
  'randomUUIDv7',
  'randomBytes',
  'randomInt',
  'randomFill',
  'randomFillSync',
  'getRandomValues',
])

/** Every use of the outside world in a file, in the order of the text. Types do not count: `typeof setTimeout` reaches nothing. */
export function findOutsideUses(source: Source): OutsideUse[] {
  const found: OutsideUse[] = []
  for (const { specifier, start } of importsOf(source)) {
    if (modules.has(specifier))
      found.push({ name: specifier.startsWith('node:') ? specifier : `node:${specifier}`, start })
  }
  const cryptoNames = new Set(['crypto', 'webcrypto'])
  const imported = new Set<string>()
  for (const { moduleRequest, entries } of source.module.staticImports) {
    const fromCrypto = /^(node:)?crypto$/.test(moduleRequest.value)
    const fromPerformance = /^(node:)?perf_hooks$/.test(moduleRequest.value)
    for (const { importName, localName, isType } of entries) {
      if (isType) continue
      if (fromCrypto && importName.kind !== 'Name') cryptoNames.add(localName.value)
      if (fromCrypto && chance.has(importName.name ?? '')) {
        found.push({ name: `crypto.${importName.name}`, start: moduleRequest.start })
      }
      if (!fromCrypto && !fromPerformance) imported.add(localName.value)
    }
  }
  const declared = declaredNames(source.program)
  for (const name of imported) declared.add(name)

  walk(source.program, undefined, undefined, (node, parent, key) => {
    if (node.type === 'MemberExpression') {
      const owner = ownerName(node.object)
      const member = node.computed
        ? node.property.type === 'Literal' && typeof node.property.value === 'string'
          ? node.property.value
          : undefined
        : node.property.type === 'Identifier'
          ? node.property.name
          : undefined
      if (owner === undefined || member === undefined) return
      if (cryptoNames.has(owner) && chance.has(member)) found.push({ name: `crypto.${member}`, start: node.start })
      else if (owner === 'globalThis' && globals.has(member)) found.push({ name: member, start: node.start })
      else if (members[owner]?.has(member) && !declared.has(owner))
        found.push({ name: `${owner}.${member}`, start: node.start })
    } else if (node.type === 'NewExpression' || node.type === 'CallExpression') {
      const isDate = node.callee.type === 'Identifier' && node.callee.name === 'Date' && !declared.has('Date')
      if (isDate && node.type === 'CallExpression') found.push({ name: 'Date()', start: node.start })
      if (isDate && node.type === 'NewExpression' && node.arguments.length === 0) {
        found.push({ name: 'new Date()', start: node.start })
      }
    } else if (node.type === 'VariableDeclarator' && node.id.type === 'ObjectPattern' && node.init) {
      const owner = ownerName(node.init)
      if (owner === undefined) return
      for (const property of node.id.properties) {
        if (property.type !== 'Property' || property.key.type !== 'Identifier') continue
        const member = property.key.name
        const taken =
          members[owner]?.has(member) ||
          (cryptoNames.has(owner) && chance.has(member)) ||
          (owner === 'globalThis' && globals.has(member))
        if (taken) found.push({ name: `${owner}.${member}`, start: property.start })
      }
    } else if (
      node.type === 'Identifier' &&
      globals.has(node.name) &&
      !declared.has(node.name) &&
      isReference(parent, key)
    ) {
      found.push({ name: node.name, start: node.start })
    }
  })
  return found.sort((a, b) => a.start - b.start)
}

/** `Math` of `Math.random`, also when it is written `globalThis.Math.random`. */
function ownerName(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name
  const isOfGlobal =
    node.type === 'MemberExpression' &&
    !node.computed &&
    node.object.type === 'Identifier' &&
    node.object.name === 'globalThis'
  return isOfGlobal && node.property.type === 'Identifier' ? node.property.name : undefined
}

function isReference(parent: Node | undefined, key: string | undefined): boolean {
  if (parent === undefined) return true
  if ('computed' in parent && parent.computed) return true
  if (key === 'property') return parent.type !== 'MemberExpression'
  if (key === 'key') return false
  if (key === 'label' || key === 'local' || key === 'imported' || key === 'exported') return false
  return true
}

/** Names that the file declares anywhere. One of them is taken for the file's own everywhere: scopes are not told apart. */
function declaredNames(program: Node): Set<string> {
  const names = new Set<string>()
  const bind = (pattern: Node | null): void => {
    if (pattern === null) return
    if (pattern.type === 'Identifier') names.add(pattern.name)
    else if (pattern.type === 'AssignmentPattern') bind(pattern.left)
    else if (pattern.type === 'RestElement') bind(pattern.argument)
    else if (pattern.type === 'ArrayPattern') for (const element of pattern.elements) bind(element)
    else if (pattern.type === 'ObjectPattern') {
      for (const property of pattern.properties) bind(property.type === 'Property' ? property.value : property.argument)
    }
  }
  walk(program, undefined, undefined, node => {
    if (node.type === 'VariableDeclarator') bind(node.id)
    else if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') bind(node.id)
    if (
      node.type === 'FunctionDeclaration' ||
      node.type === 'FunctionExpression' ||
      node.type === 'ArrowFunctionExpression'
    ) {
      for (const parameter of node.params) bind(parameter as Node)
    }
  })
  return names
}

// Of the nodes that are TypeScript's own, these hold expressions; the others are types and are not entered.
const holdExpressions = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
])

function walk(
  node: Node,
  parent: Node | undefined,
  key: string | undefined,
  visit: (node: Node, parent: Node | undefined, key: string | undefined) => void,
): void {
  if (node.type.startsWith('TS') && !holdExpressions.has(node.type)) return
  visit(node, parent, key)
  for (const childKey of visitorKeys[node.type] ?? []) {
    const child = (node as unknown as Record<string, Node | (Node | null)[] | null | undefined>)[childKey]
    if (Array.isArray(child)) {
      for (const item of child) if (item !== null) walk(item, node, childKey, visit)
    } else if (child != null) {
      walk(child, node, childKey, visit)
    }
  }
}
