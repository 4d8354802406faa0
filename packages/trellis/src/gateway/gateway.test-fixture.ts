/** A small system behind a gateway, over real sockets: one service, in this process or in another address. */
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { z } from 'zod'
import { contract, own, serverStream, unary } from '../contract/index.ts'
import { Directory, roundRobin, staticRegistry } from '../discovery/index.ts'
import type { Address, Context, Identity, Runtime } from '../kernel/index.ts'
import { createRuntime, Fault } from '../kernel/index.ts'
import type { RetryBudgetOptions } from '../resilience/index.ts'
import { createHttpJsonHandler } from '../rpc/http-json/index.ts'
import { clientAddress, createRpcServer, implement } from '../rpc/index.ts'
import type { TokenVerifier } from '../security/index.ts'
import { authorize, authorizeOwner, identify, roles } from '../security/index.ts'
import type { Exchange, ExchangeHandler, Headers, IncomingResponse } from '../wire/exchange.ts'
import { header } from '../wire/exchange.ts'
import { createHttpClient, createHttpServer } from '../wire/http1/index.ts'
import type { GatewayParts } from './create-gateway.ts'
import { createGateway } from './create-gateway.ts'
import { expose } from './expose.ts'
import { remoteUpstream } from './remote-upstream.ts'
import type { Upstream } from './upstream.ts'
import { localUpstream } from './upstream.ts'

const Book = z.object({ bookId: z.string(), title: z.string() })
const BookId = z.object({ bookId: z.string() })

export const Books = contract(
  'kit.books.v1.Books',
  {
    get: unary({ summary: 'One book', input: BookId, output: Book, http: 'GET /books/{bookId}', allow: 'public' }),
    add: unary({
      summary: 'Add a book',
      input: z.object({ title: z.string() }),
      output: Book,
      http: 'POST /books',
      status: 201,
      allow: 'signed-in',
    }),
    put: unary({ input: Book, output: Book, http: 'PUT /books/{bookId}', allow: 'public' }),
    remove: unary({
      input: BookId,
      output: z.object({}),
      http: 'DELETE /books/{bookId}',
      status: 204,
      allow: 'books:write',
    }),
    notes: unary({ input: BookId, output: Book, http: 'GET /books/{bookId}/notes', allow: own('books:read') }),
    changes: serverStream({
      input: BookId,
      output: z.object({ version: z.int32() }),
      http: 'GET /books/{bookId}/changes',
      allow: 'public',
      sse: { id: 'version' },
    }),
    audit: unary({ input: z.object({}), output: z.object({}), allow: 'internal' }),
    reindex: unary({ input: z.object({}), output: z.object({}), http: 'POST /reindex', allow: 'internal' }),
  },
  { description: 'Books that can be read.' },
)

/** What the service does, and what it saw. */
export interface Scene {
  readonly runtime: Runtime
  /** Headers of the requests that reached the service. */
  readonly seen: Headers[]
  readonly contexts: Context[]
  readonly identities: (Identity | undefined)[]
  readonly addresses: (string | undefined)[]
  act: (ctx: Context) => Promise<void>
  changes: (ctx: Context) => AsyncIterable<{ version: number }>
  /** Where the gateway listens. */
  readonly address: Address
  readonly endStreams: () => void
  readonly check: () => Promise<void>
  request(method: string, target: string, headers?: Headers, body?: string): Promise<Answer>
  /** Sends bytes as they are; resolves with all that comes back until the connection closes. */
  raw(bytes: string): Promise<string>
  /** Sends bytes and leaves the connection open; returns how to leave. */
  connect(bytes: string): () => void
  /** Opens a stream. */
  open(target: string, headers?: Headers): Promise<Stream>
  /** Stops the service's own server, when it has one. */
  stopService(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
  header(name: string): string | undefined
}

/** A response that is read as it comes. */
export interface Stream {
  readonly status: number
  readonly headers: Headers
  /** What has come. */
  readonly text: string
  /** Resolves when it is complete; rejects when it broke off. */
  readonly ended: Promise<void>
  /** Resolves once the text has come. */
  until(text: string): Promise<void>
  close(): void
}

/** Where the service is. */
export type Place = 'local' | 'remote'
export const PLACES: readonly Place[] = ['local', 'remote']

export interface SceneOptions extends Partial<GatewayParts> {
  readonly place?: Place
  readonly budget?: RetryBudgetOptions
  /** In place of the service's own addresses. */
  readonly instances?: readonly Address[]
}

/** `user:ann` is signed in as ann, `user:ann:clerk` has a role too, `service:users` is a service. */
const tokens: TokenVerifier = {
  verify(token) {
    const [kind, subject = '', role] = token.split('.')
    if (kind !== 'user' && kind !== 'service') {
      throw new Fault('unauthenticated', 'The token is no good.', { reason: 'TOKEN_INVALID' })
    }
    return { subject, roles: role === undefined ? [] : [role], claims: {}, expiresAt: Date.now() + 60_000, keyId: 'k' }
  },
}
const roleMap = roles({ clerk: ['books:write', 'books:read'] })

export const ANN: Headers = ['authorization', 'Bearer user.ann']
export const CLERK: Headers = ['authorization', 'Bearer user.kim.clerk']

/** Starts everything; it is stopped when the test ends. */
export async function startScene(t: TestContext, options: SceneOptions = {}): Promise<Scene> {
  const { place = 'local', instances, budget = {}, ...parts } = options
  const runtime = createRuntime()
  const state = {
    runtime,
    seen: [] as Headers[],
    contexts: [] as Context[],
    identities: [] as (Identity | undefined)[],
    addresses: [] as (string | undefined)[],
    act: async () => undefined,
    changes: async function* () {
      yield { version: 1 }
    },
  } as unknown as Scene
  const service = bookService(state)
  const serviceServer = createHttpServer(runtime, { handler: service })
  const client = createHttpClient(runtime)
  const stopService = (): Promise<void> => serviceServer.close({ graceMs: 0 })
  // Hooks run in their order, and the gateway's own come later: nothing waits for it.
  t.after(async () => {
    await client.close()
    await stopService()
  })
  const addresses = instances ?? [await serviceServer.listen({ host: '127.0.0.1', port: 0 })]
  const directory = new Directory({
    registry: staticRegistry({ books: addresses }),
    balancer: () => roundRobin(() => 0),
  })
  const upstream = (name: string): Upstream =>
    place === 'local'
      ? localUpstream(service)
      : remoteUpstream(runtime, { service: name, directory, http: client, budget })
  const gateway = createGateway(runtime, {
    routes: [expose(Books)],
    upstream,
    identify: identify({ users: tokens, roles: roleMap }),
    serviceToken: () => 'service.gateway',
    ...parts,
  })
  const server = createHttpServer(runtime, { handler: gateway.handle })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  const outside = createHttpClient(runtime)
  t.after(async () => {
    await outside.close()
    await server.close({ graceMs: 0 })
  })
  return Object.assign(state, {
    address,
    endStreams: gateway.endStreams,
    check: gateway.checks.routes as () => Promise<void>,
    stopService,
    async request(method: string, target: string, headers: Headers = [], body?: string): Promise<Answer> {
      const sent = { method, target, headers: [...headers] }
      if (body !== undefined) sent.headers.push('content-type', 'application/json')
      const response = await outside.request(address, body === undefined ? sent : { ...sent, body })
      const text = Buffer.from(await response.readAll(10_000_000)).toString()
      const isJson = /json$/.test(header(response.headers, 'content-type') ?? '')
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson && text !== '' ? JSON.parse(text) : {},
        header: (name: string) => header(response.headers, name),
      }
    },
    raw: (bytes: string) => rawExchange(address, bytes),
    connect(bytes: string) {
      const socket = connect({ host: address.host, port: address.port })
      socket.on('error', () => undefined)
      socket.write(bytes)
      return () => void socket.destroy()
    },
    async open(target: string, headers: Headers = []): Promise<Stream> {
      return openStream(await outside.request(address, { method: 'GET', target, headers }))
    },
  })
}

function bookService(scene: Scene): ExchangeHandler {
  const note = (ctx: Context): void => {
    scene.contexts.push(ctx)
    scene.identities.push(ctx.identity)
    scene.addresses.push(ctx.get(clientAddress))
  }
  const rpc = createRpcServer({
    authorize: authorize(),
    implementations: [
      implement(Books, {
        async get({ bookId }, ctx) {
          note(ctx)
          await scene.act(ctx)
          return { bookId, title: 'A book' }
        },
        async add({ title }, ctx) {
          note(ctx)
          await scene.act(ctx)
          return { bookId: 'b-1', title }
        },
        async put(book, ctx) {
          note(ctx)
          await scene.act(ctx)
          return book
        },
        remove: async () => ({}),
        async notes({ bookId }, ctx) {
          authorizeOwner(ctx, 'ann')
          return { bookId, title: 'Notes' }
        },
        changes: (_input, ctx) => scene.changes(ctx),
        audit: async () => ({}),
        reindex: async () => ({}),
      }),
    ],
  })
  const json = createHttpJsonHandler(runtimeOf(scene), rpc, {
    identify: identify({ users: tokens, services: tokens, roles: roleMap }),
  })
  return (exchange: Exchange) => {
    scene.seen.push(exchange.headers)
    if (exchange.target === '/metrics') exchange.reply(200, [], 'secret figures')
    else json.handle(exchange)
  }
}

function runtimeOf(scene: Scene): Runtime {
  return scene.runtime
}

/** A TCP server that does what it is told with each connection, in place of an instance. */
export async function startStranger(t: TestContext, talk: (socket: Socket) => void): Promise<Address> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    talk(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return { host: '127.0.0.1', port }
}

function rawExchange(address: Address, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.host, port: address.port })
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (piece: string) => {
      text += piece
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    socket.write(bytes, 'latin1')
  })
}

function openStream(response: IncomingResponse): Stream {
  let text = ''
  let waiting: { readonly text: string; readonly done: () => void }[] = []
  const read = async (): Promise<void> => {
    for await (const piece of response.chunks()) {
      text += Buffer.from(piece).toString()
      waiting = waiting.filter(wait => {
        if (!text.includes(wait.text)) return true
        wait.done()
        return false
      })
    }
  }
  const ended = read()
  ended.catch(() => undefined) // the test that waits for it sees it
  return {
    status: response.status,
    headers: response.headers,
    get text() {
      return text
    },
    ended,
    until: part =>
      text.includes(part) ? Promise.resolve() : new Promise(done => void waiting.push({ text: part, done })),
    close: () => response.close(),
  }
}
