import type { Node } from 'oxc-parser'
import { lineAt, type Problem, type Source } from './source.ts'

/** Every exported declaration of a package that has no doc comment. Re-exports need none: the declaration has it. */
export function checkDocs(sources: readonly Source[]): Problem[] {
  return sources.filter(source => source.path.startsWith('packages/') && !source.isTest).flatMap(checkFile)
}

function checkFile(source: Source): Problem[] {
  const documented = new Set<string>()
  const missing = new Map<string, number>()
  const declared = new Map<string, number>()
  const judge = (name: string, start: number): void => {
    if (hasDoc(source, start)) documented.add(name)
    else if (!missing.has(name)) missing.set(name, start)
  }
  for (const statement of source.program.body) {
    if (statement.type === 'ExportNamedDeclaration' && statement.declaration !== null) {
      for (const name of namesOf(statement.declaration)) judge(name, statement.start)
    } else {
      for (const name of namesOf(statement)) if (!declared.has(name)) declared.set(name, statement.start)
    }
  }
  // `export { name }` below a declaration of this file.
  for (const { entries } of source.module.staticExports) {
    for (const { moduleRequest, localName } of entries) {
      const start = moduleRequest === null && localName.name !== null ? declared.get(localName.name) : undefined
      if (start !== undefined) judge(localName.name!, start)
    }
  }
  // One documented signature speaks for its overloads.
  return [...missing]
    .filter(([name]) => !documented.has(name))
    .map(([name, start]) => ({
      file: source.path,
      line: lineAt(source, start),
      message: `${name} has no doc comment: say in a sentence what it is, then what its type cannot say`,
    }))
}

function hasDoc(source: Source, start: number): boolean {
  const before = source.comments.findLast(comment => comment.end <= start && comment.type === 'Block')
  if (before === undefined || !/^\*[\s\S]*[^\s*]/.test(before.value)) return false
  // Line comments (a lint suppression) may stand between.
  return (
    source.text
      .slice(before.end, start)
      .replace(/\/\/.*$/gm, '')
      .trim() === ''
  )
}

function namesOf(node: Node): string[] {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
    case 'ClassDeclaration':
      return node.id === null ? [] : [node.id.name]
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return [node.id.name]
    case 'VariableDeclaration':
      return node.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
    default:
      return []
  }
}
