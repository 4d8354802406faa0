/** What contracts cost the type checker: a generated system of 500 operations, measured by the checker's own counters. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, parse, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../../', import.meta.url))
const CONTRACTS = 50
const OPERATIONS = 10

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trellis-types-'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const style of ['named', 'plain'] as const) {
    await mkdir(join(folder, style))
    for (let index = 0; index < CONTRACTS; index++) {
      await writeFile(join(folder, style, `contract-${index}.ts`), source(index, style === 'named'))
    }
    await writeFile(join(folder, style, 'empty.ts'), "import { z } from 'zod'\nexport const Empty = z.object({})\n")
    await writeFile(join(folder, style, 'tsconfig.json'), config())
  }
})
after(() => rm(folder, { recursive: true, force: true }))

describe('a system of 500 operations', () => {
  for (const style of ['named', 'plain'] as const) {
    test(`with ${style} types costs the type checker little`, { timeout: 120_000 }, async context => {
      const { stdout } = await tsc(join(folder, style))
      const count = (name: string) => Number(new RegExp(`^${name}:\\s+([0-9.]+)`, 'm').exec(stdout)?.[1])
      context.diagnostic(
        `${style}: ${count('Instantiations')} instantiations, ${count('Types')} types, ${count('Check time')} s check, ${count('Total time')} s in all`,
      )
      // zod alone takes about a third of it; a careless conditional type multiplies it.
      assert.ok(count('Instantiations') < (style === 'named' ? 110_000 : 150_000), stdout)
      assert.ok(count('Types') < 50_000, stdout)
    })

    test(`with ${style} types has declarations at most four times as long as its source`, async context => {
      let worst = 0
      for (let index = 0; index < CONTRACTS; index++) {
        const declarations = await emitted(style, index)
        const written = await readFile(join(folder, style, `contract-${index}.ts`), 'utf8')
        worst = Math.max(worst, declarations.length / written.length)
      }
      context.diagnostic(`${style}: ${worst.toFixed(2)} times the source`)
      assert.ok(worst <= 4, String(worst))
    })
  }

  test('shows names in declarations, and so on hovering, where types are named', async () => {
    const declarations = await emitted('named', 7)
    assert.match(declarations, /get3: import\("trellis\/contract"\)\.Operation<OrderId7, Order7, "unary">;/)
  })
})

async function tsc(project: string): Promise<{ stdout: string }> {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  try {
    return await run(process.execPath, [compiler, '-p', project, '--extendedDiagnostics'], { maxBuffer: 1 << 24 })
  } catch (error) {
    return assert.fail(String((error as { stdout?: string }).stdout ?? error))
  }
}

function config(): string {
  return JSON.stringify({
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      noEmit: false,
      emitDeclarationOnly: true,
      declaration: true,
      outDir: 'out',
      rootDir: parse(folder).root,
      types: [],
    },
    include: ['*.ts'],
  })
}

function emitted(style: string, index: number): Promise<string> {
  const file = join(folder, style, `contract-${index}.d.ts`)
  return readFile(join(folder, style, 'out', relative(parse(file).root, file)), 'utf8')
}

function source(index: number, named: boolean): string {
  const name = (type: string) =>
    named ? `export interface ${type}${index} extends z.infer<typeof ${type}${index}> {}\n` : ''
  const types = (input: string, output: string) => (named ? `<${input}${index}, ${output}${index}>` : '')
  let text = `import { contract, fault, own, serverStream, unary } from 'trellis/contract'
import { z } from 'zod'

const Money${index} = z.object({ amount: z.int().min(0), currency: z.string().regex(/^[A-Z]{3}$/) })
const Line${index} = z.object({ productId: z.string().min(1).max(64), name: z.string(), quantity: z.int32().min(1), price: Money${index}, total: Money${index} })
export const Order${index} = z.object({
  id: z.string(),
  userId: z.string(),
  status: z.enum(['created', 'pending', 'confirmed', 'cancelled']),
  items: z.array(Line${index}),
  total: Money${index},
  createdAt: z.iso.datetime(),
  waitingFor: z.enum(['stock', 'payment']).optional(),
})
${name('Order')}export const OrderId${index} = z.object({ orderId: z.string().min(1).max(64) })
${name('OrderId')}export const NewOrder${index} = z.object({ items: z.array(z.object({ productId: z.string(), quantity: z.int32() })).max(100).optional() })
${name('NewOrder')}export const NotFound${index} = fault({ code: 'not_found', reason: 'ORDER_NOT_FOUND', message: 'There is no such order among yours; list them at GET /orders.' })

export const Orders${index} = contract('shop${index}.orders.v1.Orders', {
`
  for (let operation = 0; operation < OPERATIONS; operation += 2) {
    text += `  create${operation}: unary${types('NewOrder', 'Order')}({
    summary: 'Open an order, empty or with items',
    input: NewOrder${index},
    output: Order${index},
    http: 'POST /orders${operation}',
    status: 201,
    idempotent: 'key',
    allow: 'signed-in',
  }),
  get${operation + 1}: ${operation === 4 ? 'serverStream' : 'unary'}${types('OrderId', 'Order')}({
    summary: 'One order',
    input: OrderId${index},
    output: Order${index},
    faults: { NotFound: NotFound${index} },
    http: 'GET /orders${operation}/{orderId}',
    allow: own('orders:read'),
  }),
`
  }
  return `${text}})\n`
}
