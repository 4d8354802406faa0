/**
 * A network in memory. Bytes arrive in order and whole, after the delay in force; what can go wrong is made to go wrong by
 * the address that is listened on, for connections of both directions.
 */
import type { Duplex } from 'node:stream'
import type { Address, Listener, Net, Timers } from '../kernel/index.ts'
import { connectFault, listenFault } from '../kernel/runtime-fault.ts'
import type { Generator } from './virtual-random.ts'
import { createSocketEnd, type Segment, type SocketEnd } from './virtual-socket.ts'

/** Which listening addresses are meant; what is left out matches all. */
export type Where = Partial<Address>

/** The network of a virtual runtime, and what can happen to it. What returns a function is taken back by it. */
export interface VirtualNet extends Net {
  /** Makes bytes take `minMs` to `maxMs` in each direction, drawn by the seed. Default: a turn and no time. The last one that matches holds. */
  delay(minMs: number, maxMs?: number, where?: Where): () => void
  /** Resets the open connections: both ends fail with ECONNRESET. */
  cut(where?: Where): void
  /** Refuses new connections as if nothing listened. */
  refuse(where?: Where): () => void
  /** Holds everything back, both ways, new connections too, and says nothing; when taken back it goes on where it was. */
  partition(where?: Where): () => void
}

interface Rule {
  readonly kind: 'delay' | 'refuse' | 'partition'
  readonly where: Where
  readonly minMs: number
  readonly maxMs: number
}

interface Accepting {
  readonly address: Address
  readonly accept: (connection: Duplex) => void
}

interface Connection {
  readonly address: Address
  readonly ends: SocketEnd[]
  cut: boolean
}

/** Where the system begins to give out ports for `port: 0` (RFC 6335, section 6). */
const FIRST_FREE_PORT = 49_152

/** Makes a network on which nothing listens. */
export function createVirtualNet(timers: Timers, monotonic: () => number, random: Generator): VirtualNet {
  const listening = new Set<Accepting>()
  const connections = new Set<Connection>()
  const rules = new Set<Rule>()
  const held: { readonly address: Address; readonly go: () => void }[] = []
  let nextPort = FIRST_FREE_PORT

  const ruleFor = (kind: Rule['kind'], address: Address): Rule | undefined =>
    [...rules].findLast(rule => rule.kind === kind && matches(rule.where, address))

  const listenerAt = (address: Address): Accepting | undefined =>
    [...listening].find(
      one => one.address.port === address.port && (isAnyHost(one.address.host) || sameHost(one.address, address)),
    )

  const draw = (address: Address): number => {
    const rule = ruleFor('delay', address)
    if (rule === undefined) return 0
    return rule.minMs + ((rule.maxMs - rule.minMs) * random()) / 2 ** 32
  }

  /** Runs `go` unless the way is partitioned; then when it no longer is. */
  const pass = (address: Address, go: () => void): void => {
    if (ruleFor('partition', address) === undefined) go()
    else held.push({ address, go })
  }

  /** Gives out times of arrival for one direction: no segment overtakes another. */
  const createLane = (address: Address): ((go: () => void) => void) => {
    let lastAt = 0
    const queue: (() => void)[] = []
    const arrive = (): void => pass(address, () => queue.shift()?.())
    return go => {
      const now = monotonic()
      const at = Math.max(lastAt, now + draw(address))
      lastAt = at
      queue.push(go)
      if (at > now) timers.after(at - now, arrive)
      else timers.turn(arrive)
    }
  }

  const connectEnds = (address: Address): readonly [SocketEnd, SocketEnd] => {
    const connection: Connection = { address, ends: [], cut: false }
    const open = new Set([0, 1])
    const createEnd = (own: number): SocketEnd => {
      const lane = createLane(address)
      const deliver = (segment: Segment): void => {
        if (!connection.cut) connection.ends[1 - own]?.receive(segment)
      }
      const end = createSocketEnd(segment => lane(() => deliver(segment)))
      end.stream.once('close', () => {
        open.delete(own)
        if (open.size === 0) connections.delete(connection)
      })
      connection.ends.push(end)
      return end
    }
    connections.add(connection)
    return [createEnd(0), createEnd(1)]
  }

  const addRule = (kind: Rule['kind'], where: Where, minMs = 0, maxMs = minMs): (() => void) => {
    const rule: Rule = { kind, where, minMs, maxMs }
    rules.add(rule)
    return () => {
      rules.delete(rule)
      if (kind !== 'partition') return
      for (const { address, go } of held.splice(0)) timers.turn(() => pass(address, go))
    }
  }

  return {
    async listen(wanted, accept) {
      await new Promise<void>(done => timers.turn(done))
      let port = wanted.port
      if (port === 0) {
        while (portTaken(listening, { host: wanted.host, port: nextPort })) nextPort++
        port = nextPort++
      }
      const address: Address = { host: wanted.host, port }
      if (portTaken(listening, address)) throw listenFault(systemError('EADDRINUSE'), address)
      const accepting: Accepting = { address, accept }
      listening.add(accepting)
      const close = (): Promise<void> => {
        listening.delete(accepting)
        return Promise.resolve()
      }
      const listener: Listener = { address, close, [Symbol.asyncDispose]: close }
      return listener
    },
    async connect(address) {
      const there = createLane(address)
      await new Promise<void>(done => there(done))
      const accepting = listenerAt(address)
      if (accepting === undefined || ruleFor('refuse', address) !== undefined) {
        throw connectFault(systemError('ECONNREFUSED'), address)
      }
      const [near, far] = connectEnds(address)
      accepting.accept(far.stream)
      const back = createLane(address)
      await new Promise<void>(done => back(done))
      return near.stream
    },
    delay: (minMs, maxMs = minMs, where = {}) => {
      if (!(minMs >= 0 && maxMs >= minMs)) {
        throw new RangeError(`delay is ${minMs} to ${maxMs} ms; give 0 or more, the smaller first.`)
      }
      return addRule('delay', where, minMs, maxMs)
    },
    refuse: (where = {}) => addRule('refuse', where),
    partition: (where = {}) => addRule('partition', where),
    cut(where = {}) {
      for (const connection of [...connections]) {
        if (!matches(where, connection.address)) continue
        connection.cut = true
        for (const end of connection.ends) end.receive({ kind: 'reset' })
      }
    },
  }
}

function matches(where: Where, address: Address): boolean {
  return (
    (where.port === undefined || where.port === address.port) &&
    (where.host === undefined || sameHost({ host: where.host }, address))
  )
}

function sameHost(one: Pick<Address, 'host'>, other: Pick<Address, 'host'>): boolean {
  const loopback = (host: string): string => (host === 'localhost' || host === '::1' ? '127.0.0.1' : host)
  return loopback(one.host) === loopback(other.host)
}

function isAnyHost(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function portTaken(listening: ReadonlySet<Accepting>, address: Address): boolean {
  for (const { address: other } of listening) {
    if (other.port !== address.port) continue
    if (isAnyHost(other.host) || isAnyHost(address.host) || sameHost(other, address)) return true
  }
  return false
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
