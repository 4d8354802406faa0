/** Edges by node: what each node points to. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>

/** One cycle for each knot of the graph, as the nodes along it with the first repeated at the end; shortest from its first node. */
export function findCycles(graph: Graph): string[][] {
  return knots(graph).map(knot => shortestWayAround(graph, knot))
}

// Tarjan's strongly connected components, those with a cycle alone. Deep import chains are some hundred long, so recursion is safe.
function knots(graph: Graph): Set<string>[] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const onStack = new Set<string>()
  const found: Set<string>[] = []
  const visit = (node: string): void => {
    const own = index.size
    index.set(node, own)
    low.set(node, own)
    stack.push(node)
    onStack.add(node)
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) {
        visit(next)
        low.set(node, Math.min(low.get(node)!, low.get(next)!))
      } else if (onStack.has(next)) {
        low.set(node, Math.min(low.get(node)!, index.get(next)!))
      }
    }
    if (low.get(node) !== own) return
    const members = stack.splice(stack.indexOf(node))
    for (const member of members) onStack.delete(member)
    if (members.length > 1 || graph.get(node)?.has(node)) found.push(new Set(members))
  }
  for (const node of graph.keys()) if (!index.has(node)) visit(node)
  return found
}

function shortestWayAround(graph: Graph, knot: ReadonlySet<string>): string[] {
  const first = [...knot].sort()[0]!
  const cameFrom = new Map<string, string>()
  const queue = [first]
  for (const node of queue) {
    for (const next of graph.get(node) ?? []) {
      if (next === first) {
        const way = [first]
        for (let at = node; at !== first; at = cameFrom.get(at)!) way.unshift(at)
        return [first, ...way]
      }
      if (!knot.has(next) || cameFrom.has(next)) continue
      cameFrom.set(next, node)
      queue.push(next)
    }
  }
  throw new Error(`${first} is not on a cycle`)
}
