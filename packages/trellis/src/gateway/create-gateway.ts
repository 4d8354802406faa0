/** The one door to a system: what is exposed is reached by its REST route, and nothing else is there. */
import { Router } from '../contract/router.ts'
import { Fault } from '../kernel/fault.ts'
import type { Handler, Middleware } from '../kernel/handler.ts'
import { chain } from '../kernel/handler.ts'
import type { Runtime } from '../kernel/runtime.ts'
import { invalidPath, methodNotAllowed, unknownPath } from '../rpc/http-json/misses.ts'
import { defaultTimeoutMs } from '../rpc/method.ts'
import { authorize } from '../security/authorize.ts'
import type { Identify } from '../security/security.ts'
import { securityHeaders } from '../security/security-headers.ts'
import type { Exchange, ExchangeHandler, Headers } from '../wire/exchange.ts'
import { header } from '../wire/exchange.ts'
import { sendContent } from './content.ts'
import { Cors } from './cors.ts'
import { Door } from './door.ts'
import { type ForwardOptions, forwarder } from './forward.ts'
import type { GatewayOptions } from './gateway.ts'
import { type Pages, toPages } from './pages.ts'
import type { Foregone, Passage } from './passage.ts'
import type { Place } from './place.ts'
import { createReadiness } from './readiness.ts'
import { ResponseHeaders } from './response-headers.ts'
import { type Route, toRoutes } from './routes.ts'
import type { Upstream } from './upstream.ts'

/** What a gateway is made of. */
export interface GatewayParts extends GatewayOptions {
  /** Where the requests of a service go. Asked once for each service, when the gateway is made. */
  readonly upstream: (service: string) => Upstream
  /** Who asks. No service does from outside: make it without `services`. */
  readonly identify: Identify
  /** The gateway's own token, sent along as `trellis-service-token`, so that services believe what it says about the caller. */
  readonly serviceToken?: () => string | Promise<string>
  /** Around every request, refused ones included; the first is the outermost: tracing, metrics, access log. */
  readonly middleware?: readonly Middleware[]
}

/** A running gateway. */
export interface Gateway {
  /** For the HTTP server. */
  readonly handle: ExchangeHandler
  /** Ends all running streams with `unavailable` / `GATEWAY_STOPPING`, so that their readers turn to another instance. */
  endStreams(): void
  /**
   * For readiness, by name. `routes` fails until every service behind the gateway was seen once, so that the port opens onto a whole system; later only when none
   * of them is there, since the others' routes work without the one that is away.
   */
  readonly checks: Readonly<Record<string, () => Promise<void>>>
}

/**
 * Makes a gateway. Throws a `TypeError` when two operations have one route.
 *
 * @example
 * const upstream = (service: string) => remoteUpstream(runtime, { service, directory, http })
 * const gateway = createGateway(runtime, { routes: [expose(Orders)], identify, upstream })
 * const server = createHttpServer(runtime, { handler: gateway.handle })
 */
export function createGateway(runtime: Runtime, parts: GatewayParts): Gateway {
  const gateway = new RoutingGateway(runtime, parts)
  return {
    handle: exchange => gateway.handle(exchange),
    endStreams: () => gateway.endStreams(),
    checks: gateway.checks,
  }
}

const DEFAULT_MAX_BODY_BYTES = 1_048_576
const DEFAULT_MAX_TIMEOUT_MS = 60_000
const DEFAULT_MAX_STREAMS_PER_CALLER = 100
const NOT_FOUND = { kind: 'not-found' } as const
const BASE_PATH = /^(\/[A-Za-z0-9\-._~]+)*$/
class RoutingGateway {
  readonly checks: Gateway['checks']
  readonly #basePath: string
  readonly #middleware: Middleware
  readonly #router = new Router<Place>()
  readonly #door: Door
  readonly #cors: Cors | undefined
  readonly #apiHeaders = new ResponseHeaders(securityHeaders())
  /** Where requests are refused that lead nowhere. */
  readonly #nowhere: Place
  readonly #options: Place
  readonly #pages = new Map<string, Place>()
  readonly #site: Place | undefined

  constructor(runtime: Runtime, parts: GatewayParts) {
    const { basePath = '/api', maxBodyBytes = DEFAULT_MAX_BODY_BYTES, trustedProxies = 0, trace = 'continue' } = parts
    const { maxTimeoutMs = DEFAULT_MAX_TIMEOUT_MS, maxStreamsPerCaller = DEFAULT_MAX_STREAMS_PER_CALLER } = parts
    if (!BASE_PATH.test(basePath)) throw new TypeError(`basePath is '${basePath}'; write '/api', or '' for none.`)
    checkWhole({ maxBodyBytes, trustedProxies, maxTimeoutMs, maxStreamsPerCaller })
    this.#basePath = basePath
    this.#middleware = chain(...(parts.middleware ?? []))
    this.#cors = parts.cors === undefined ? undefined : new Cors(parts.cors)
    this.#door = new Door(runtime, {
      identify: parts.identify,
      trustedProxies,
      maxTimeoutMs,
      maxStreamsPerCaller,
      trace,
      cors: this.#cors,
    })
    this.#nowhere = this.#ownPlace('unknown', this.#apiHeaders, passage => passage.fail(unknownPath()))
    this.#options = this.#ownPlace('options', this.#apiHeaders, passage => {
      passage.answerHeaders = [...passage.answerHeaders, ...(passage.foregone as Foregone).headers]
      passage.reply(204, [])
    })
    const forward = { basePath, proxied: trustedProxies > 0, serviceToken: parts.serviceToken }
    const upstreams = new Map<string, Upstream>()
    for (const route of toRoutes(parts.routes, maxBodyBytes)) {
      const { service } = route.contract
      const upstream = upstreams.get(service) ?? parts.upstream(service)
      upstreams.set(service, upstream)
      this.#router.add(route.pattern, this.#routePlace(route, upstream, forward))
    }
    for (const page of toPages(runtime, { ...parts, basePath })) {
      const place = this.#pagePlace(page)
      for (const path of page.paths) this.#pages.set(path, place)
      if (page.name === 'site') this.#site = place
    }
    this.checks = { routes: createReadiness(upstreams) }
  }

  handle(exchange: Exchange): void {
    const { target } = exchange
    const mark = target.indexOf('?')
    const path = mark < 0 ? target : target.slice(0, mark)
    const found = path.startsWith(this.#basePath)
      ? this.#router.find(exchange.method === 'HEAD' ? 'GET' : exchange.method, path.slice(this.#basePath.length))
      : NOT_FOUND
    switch (found.kind) {
      case 'found':
        this.#door.receive(exchange, found.value)
        break
      case 'method-not-allowed':
        this.#otherMethod(exchange, found.methods)
        break
      case 'malformed':
        this.#refuse(exchange, invalidPath())
        break
      case 'not-found':
        this.#page(exchange, path)
    }
  }

  endStreams(): void {
    this.#door.endStreams(
      new Fault('unavailable', 'The gateway is stopping; connect again.', { reason: 'GATEWAY_STOPPING' }),
    )
  }

  #routePlace(route: Route, upstream: Upstream, options: ForwardOptions): Place {
    const { target, maxBodyBytes, operation } = route
    const forward = authorize()(forwarder(route, upstream, options), target)
    return {
      target,
      rules: { maxBodyBytes, responseHeaders: this.#apiHeaders },
      handler: this.#chained(forward, target),
      identified: true,
      timeoutMs: defaultTimeoutMs(operation),
    }
  }

  /** A place that the gateway answers by itself, to anybody. */
  #ownPlace(
    operation: string,
    responseHeaders: ResponseHeaders,
    page: (passage: Passage) => void | Promise<void>,
  ): Place {
    const target = { kind: 'route', name: 'gateway', operation, readonly: true } as const
    const answer: Handler<Passage, void> = async passage => {
      await page(passage)
      await passage.settled()
    }
    return {
      target,
      rules: { maxBodyBytes: 0, responseHeaders },
      handler: this.#chained(answer, target),
      identified: false,
      timeoutMs: undefined,
    }
  }

  #chained(next: Handler<Passage, void>, target: Place['target']): Handler<Passage, void> {
    return this.#middleware((passage, ctx) => {
      const fault = passage.foregone?.fault
      return fault === undefined ? next(passage, ctx) : Promise.reject(fault)
    }, target)
  }

  /** Pages stand behind the API: a route of the same path hides them. */
  #page(exchange: Exchange, path: string): void {
    const own = this.#pages.get(path)
    const reads = exchange.method === 'GET' || exchange.method === 'HEAD'
    if (own !== undefined && !reads) this.#otherMethod(exchange, ['GET'])
    else if (own !== undefined) this.#door.receive(exchange, own)
    else if (this.#site !== undefined && reads) this.#door.receive(exchange, this.#site)
    else this.#refuse(exchange, unknownPath())
  }

  #pagePlace(page: Pages): Place {
    const headers = new ResponseHeaders(securityHeaders({ csp: page.contentSecurityPolicy }))
    return this.#ownPlace(page.name, headers, async passage => {
      const mark = passage.target.indexOf('?')
      const found = await page.find(mark < 0 ? passage.target : passage.target.slice(0, mark))
      if (found === undefined) throw unknownPath()
      sendContent(passage, found)
    })
  }

  #otherMethod(exchange: Exchange, methods: readonly string[]): void {
    const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
    if (exchange.method !== 'OPTIONS') {
      this.#refuse(exchange, methodNotAllowed(exchange.method, allowed), ['allow', allowed])
      return
    }
    const preflight = this.#cors?.preflight(header(exchange.headers, 'origin'), allowed) ?? []
    this.#door.receive(exchange, this.#options, { fault: undefined, headers: ['allow', allowed, ...preflight] })
  }

  #refuse(exchange: Exchange, fault: Fault, headers: Headers = []): void {
    this.#door.receive(exchange, this.#nowhere, { fault, headers })
  }
}

function checkWhole(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isSafeInteger(value) && value >= 0) continue
    throw new RangeError(`${name} is ${value}; it must be a whole number of at least 0.`)
  }
}
