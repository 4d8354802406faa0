import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contract } from '../contract/index.ts'
import { createRuntime } from '../kernel/index.ts'
import { createHttpJsonTransport, fixedAddress } from '../rpc/http-json/index.ts'
import type { Client } from '../rpc/index.ts'
import { createClient } from '../rpc/index.ts'
import type { Notice } from '../service/index.ts'
import type { System } from '../system/index.ts'
import { runSystem } from '../system/index.ts'
import { createHttpClient } from '../wire/http1/index.ts'

/** How a system is run for a test. */
export interface TestSystemOptions {
  /** Settings for it, such as `{ SHOP_ADMIN_PASSWORD: '…' }`. Default: none; nothing of this process's environment reaches it. */
  readonly environment?: Readonly<Record<string, string>>
}

/** A system at work, as the world sees it: through its gateway. */
export interface TestSystem extends AsyncDisposable {
  /** Where its gateway answers, such as `http://127.0.0.1:40123`. */
  readonly url: string
  /** What its services had to tell when they started. */
  readonly notices: readonly Notice[]
  /** A client of an exposed contract; `token` says for which user it calls. */
  client<C extends Contract>(contract: C, options?: { readonly token?: string }): Client<C>
}

/**
 * Runs a system in this process, on a free port and in a folder of its own that goes with it.
 *
 * @example
 * await using hello = await startTestSystem(system)
 * assert.equal((await hello.client(Greeter).greet({ name: 'Ada' })).text, 'Hello, Ada.')
 */
export async function startTestSystem(system: System, options: TestSystemOptions = {}): Promise<TestSystem> {
  if (system.gateway === undefined)
    throw new TypeError(`The system ${system.name} has no gateway; give it one, so that the test can reach it.`)
  const stack = new AsyncDisposableStack()
  try {
    const folder = await mkdtemp(join(tmpdir(), `${system.name}-`))
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    const notices: Notice[] = []
    const running = await runSystem({
      system,
      folder,
      listen: { host: '127.0.0.1', port: 0 },
      environment: options.environment ?? {},
      notice: notice => notices.push(notice),
    })
    stack.use(running)
    const { address } = running
    if (address === undefined) throw new TypeError(`The gateway of ${system.name} was not started.`)
    const runtime = createRuntime()
    const http = stack.use(createHttpClient(runtime))
    const { basePath = '/api' } = system.gateway
    return {
      url: `http://${address.host}:${address.port}`,
      notices,
      client(contract, { token } = {}) {
        const transport = createHttpJsonTransport(http, {
          resolve: fixedAddress(address),
          basePath,
          headers: () => (token === undefined ? [] : ['authorization', `Bearer ${token}`]),
        })
        return createClient(runtime, contract, { transport })
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync().catch(() => undefined) // the failed start is the news
    throw error
  }
}
