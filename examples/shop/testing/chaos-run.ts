/** The shop under `kill -9`: customers who order, a hand that kills, and the invariants at the end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seed as goods } from '../seed/seed.ts'
import type { Wish } from './client-record.ts'
import { ClientRecord } from './client-record.ts'
import type { Crowd } from './customers.ts'
import { Customer } from './customers.ts'
import { Dice } from './dice.ts'
import type { Finding } from './invariants.ts'
import { checkProjections } from './invariants.ts'
import { settle } from './settle.ts'
import { startShop } from './start-shop.ts'
import type { Prey } from './whole-shop.ts'
import { startWhole } from './whole-shop.ts'

/** What is killed: one part of the shop after another, the one process that all of them share, or the supervisor of them all. */
export type Victim = 'parts' | 'whole' | 'supervisor'

/** How much of everything. */
export interface ChaosOptions {
  readonly orders: number
  readonly kills: number
  /** Repeats the choices: who orders what, who is killed when. What they meet is as the machine has it. */
  readonly seed: number
  /** Default: parts. */
  readonly victim?: Victim
  /** Customers at a time. Default 16. */
  readonly customers?: number
  /** How long the shop may stand still before it has settled, in milliseconds. Default 60,000. */
  readonly stuckMs?: number
  /** Data folder, to be looked at afterwards. Default: a temporary one, removed. */
  readonly folder?: string
  /** What the shop writes into its log, and to the terminal of it. Default: errors. */
  readonly logLevel?: 'error' | 'info'
  readonly log?: (line: string) => void
}

/** What came of it. */
export interface ChaosOutcome {
  readonly findings: readonly Finding[]
  readonly record: ClientRecord
  /** Kills by process. */
  readonly kills: Readonly<Record<string, number>>
}

const METHODS = [
  ...Array<string>(8).fill('pm_ok'),
  ...Array<string>(3).fill('pm_declined'),
  ...Array<string>(3).fill('pm_flaky'),
  'pm_slow',
  'pm_slow',
  'pm_lost',
  'pm_lost',
]

/** Progress of a run: the kills are spread over it. */
interface Progress {
  begun: number
  done: number
}

/** Runs the shop under kills until it has settled; what is broken then is in the findings. */
export async function chaosRun(options: ChaosOptions): Promise<ChaosOutcome> {
  const { orders, kills, seed, customers = 16, stuckMs = 60_000, log = () => undefined } = options
  await using shop = await open(options)
  const record = new ClientRecord()
  const crowd: Crowd = { url: shop.url, record, surprises: [] }
  const progress: Progress = { begun: 0, done: 0 }
  const clerk = new Customer(crowd, new Dice(seed), shop.accounts.clerk)
  const admin = new Customer(crowd, new Dice(seed + 1), shop.accounts.admin)
  await clerk.signIn()
  await admin.signIn()
  const killing = killAround(shop, new Dice(seed + 2), { orders, kills, progress, log })
  await Promise.all([
    ...Array.from({ length: customers }, (_, index) => {
      const dice = new Dice(seed * 1_000 + index)
      return visits(new Customer(crowd, dice), dice, { orders, progress, admin })
    }),
    work(clerk, new Dice(seed + 3), { orders, progress }),
  ])
  const killed = await killing
  log(`${record.wishes.length} wishes; settling`)
  const findings = await settle(shop.folder, record, stuckMs)
  const own = ownDeaths(shop, killed)
  await shop.stop()
  findings.push(await checkProjections(shop.folder))
  findings.push(own, refusedWithReason(record), {
    invariant: 0,
    sentence: 'no answer was a surprise',
    checked: record.wishes.length,
    broken: crowd.surprises,
  })
  return { findings, record, kills: killed }
}

async function open({ victim = 'parts', folder, logLevel = 'error' }: ChaosOptions): Promise<Prey & AsyncDisposable> {
  const timeScale = 1 / 20
  const environment = { TRELLIS_LOG_LEVEL: logLevel }
  if (victim === 'parts')
    return startShop({ split: true, timeScale, environment, ...(folder === undefined ? {} : { folder }) })
  const own = folder ?? (await mkdtemp(join(tmpdir(), 'trellis-shop-')))
  const clock = { TRELLIS_TIME_SCALE: String(timeScale), TRELLIS_TIME_ANCHOR: String(Date.now()) }
  const shop = await startWhole({
    split: victim === 'supervisor',
    folder: own,
    environment: { ...environment, ...clock },
  })
  return {
    ...shop,
    [Symbol.asyncDispose]: async () => {
      await shop.stop()
      if (folder === undefined) await rm(own, { recursive: true, force: true })
    },
  }
}

interface Share {
  readonly orders: number
  readonly progress: Progress
}

/** A customer who comes with one order after the other, as long as there are any. */
async function visits(customer: Customer, dice: Dice, share: Share & { readonly admin: Customer }): Promise<void> {
  const { orders, progress, admin } = share
  await customer.register()
  while (progress.begun < orders) {
    progress.begun++
    await visit(customer, dice, admin)
    progress.done++
  }
}

/** One order, with what people do on the way. */
async function visit(customer: Customer, dice: Dice, admin: Customer): Promise<void> {
  const line = () => ({ productId: dice.of(goods.products).id, quantity: dice.chance(0.02) ? 500 : 1 + dice.below(2) })
  const items = Array.from({ length: 1 + dice.below(3) }, line)
  const impatient = dice.chance(0.05)
  const order = await customer.want('order', '/orders', { items }, { impatient })
  if (order === undefined) return
  const orderId: string = order.id
  const at = `/orders/${orderId}`
  if (dice.chance(0.2))
    await customer.want('add-item', `${at}/items`, line(), { orderId, impatient: dice.chance(0.05) })
  const leaves = dice.chance(0.04)
  if (leaves) return
  if (dice.chance(0.04)) {
    await customer.want('cancel', `${at}/cancel`, {}, { orderId })
    return
  }
  const paymentMethod = dice.of(METHODS)
  const twice = dice.chance(0.03)
  const checkOut = () =>
    customer.want('check-out', `${at}/checkout`, { paymentMethod }, { orderId, impatient: dice.chance(0.05) })
  const checkedOut = twice ? await Promise.all([checkOut(), checkOut()]) : [await checkOut()]
  if (dice.chance(0.06)) await customer.want('cancel', `${at}/cancel`, { reason: 'Changed my mind.' }, { orderId })
  const follows = dice.chance(0.3)
  // One whose checkout was refused, such as for a changed price, stays open: there is nothing to wait for.
  if (follows && checkedOut.some(order => order !== undefined)) {
    const status = await customer.follow(orderId)
    if (status === 'confirmed' && dice.chance(0.25)) await admin.want('cancel', `${at}/cancel`, {}, { orderId })
  }
}

/** What the clerk does meanwhile: counts stock anew, and now and then changes a price. */
async function work(clerk: Customer, dice: Dice, { orders, progress }: Share): Promise<void> {
  for (let turn = 1; progress.done < orders; turn++) {
    const product = dice.of(goods.products)
    const delta = dice.chance(0.8) ? 1 + dice.below(20) : -1 - dice.below(3)
    await clerk.want('adjust', `/stock/${product.id}/adjustments`, { delta }, { delta, impatient: dice.chance(0.1) })
    if (turn % 5 === 0) {
      const { id: _id, ...now } = (await clerk.read(`/products/${product.id}`)) ?? {}
      if (now.price !== undefined)
        await clerk.put(`/products/${product.id}`, { ...now, price: { ...now.price, amount: now.price.amount + 10 } })
    }
    await sleep(200)
  }
}

/**
 * Kills processes at random, spread evenly over the orders. Every one has its turn before chance decides, so that none is spared. Some kills follow right behind
 * another: two that are down at once, and one that dies while it starts.
 */
async function killAround(
  shop: Prey,
  dice: Dice,
  { orders, kills, progress, log }: Share & { readonly kills: number; readonly log: (line: string) => void },
): Promise<Record<string, number>> {
  const killed: Record<string, number> = {}
  const killedPids = new Set<number>()
  const turns = shop.processes.map(name => ({ name, at: dice.next() })).sort((a, b) => a.at - b.at)
  let last = ''
  for (let index = 0; index < kills; index++) {
    const behind = index > 0 && dice.chance(0.25)
    const restarting = behind && dice.chance(0.5)
    while (!behind && progress.done < (orders * index) / kills) await sleep(5)
    await sleep(dice.below(restarting ? 1_500 : 100))
    const name = restarting ? last : (turns.pop()?.name ?? dice.of(shop.processes))
    killedPids.add(await killNext(shop, name, killedPids))
    last = name
    killed[name] = (killed[name] ?? 0) + 1
    log(`${String(index + 1).padStart(3)} kill -9 ${name}, ${progress.done} orders done`)
  }
  return killed
}

/** Kills a process, if need be once it is there again; its id. */
async function killNext(shop: Prey, name: string, killedPids: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const pid = shop.pid(name)
    if (pid !== undefined && !killedPids.has(pid) && shop.kill(name)) return pid
    await sleep(5)
  }
}

/** Refusals that the life of a shop explains: what another client, the clerk or time did in between. Any other is the wreckage of a crash. */
const EXPLAINED: Readonly<Partial<Record<Wish['kind'], readonly string[]>>> = {
  'check-out': ['PRICE_CHANGED', 'ORDER_NOT_OPEN'],
  cancel: ['PAYMENT_IN_PROGRESS', 'REFUND_NOT_ALLOWED', 'ALREADY_CANCELLED'],
  adjust: ['STOCK_BELOW_RESERVED'],
}

function refusedWithReason({ wishes }: ClientRecord): Finding {
  const refused = wishes.filter(({ outcome }) => outcome === 'refused')
  const broken = refused
    .filter(({ kind, reason = '' }) => EXPLAINED[kind]?.includes(reason) !== true)
    .map(({ kind, reason, orderId, traceId }) => `${kind} ${traceId} of ${orderId ?? 'nothing'}: ${reason}`)
  return { invariant: 0, sentence: 'every refusal has its reason', checked: refused.length, broken }
}

/** Whoever was started more often than killed has died by itself. */
function ownDeaths(shop: Prey, killed: Readonly<Record<string, number>>): Finding {
  const broken = shop.processes.flatMap(name => {
    const extra = shop.restarts(name) - (killed[name] ?? 0)
    return extra === 0 ? [] : [`${name} was started again ${extra} times more than it was killed`]
  })
  return { invariant: 0, sentence: 'no process ended by itself', checked: shop.processes.length, broken }
}
