/** What the gateway answers by itself: the description of the API, its page for people, and the files of a site. */
import { toOpenApi } from '../contract/openapi.ts'
import type { Runtime } from '../kernel/runtime.ts'
import { type Content, content } from './content.ts'
import { docsFiles } from './docs/docs.ts'
import type { GatewayOptions } from './gateway.ts'
import { exposedPart } from './routes.ts'
import { Site } from './site.ts'

/** Content by path; undefined: nothing is there. */
export interface Pages {
  /** For logs and metrics. */
  readonly name: 'openapi' | 'docs' | 'site'
  readonly contentSecurityPolicy: string
  /** Paths that are its own, whatever the method; none for a site, whose files alone can tell. */
  readonly paths: ReadonlySet<string>
  find(path: string): Content | undefined | Promise<Content | undefined>
}

const STRICT_POLICY =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

/** The pages of a gateway, in the order in which they are asked. */
export function toPages(runtime: Runtime, options: GatewayOptions & { readonly basePath: string }): Pages[] {
  const pages: Pages[] = []
  if (options.docs !== false) pages.push(...description(options))
  if (options.site !== undefined) {
    const site = new Site(runtime, options.site.folder)
    const contentSecurityPolicy = options.site.contentSecurityPolicy ?? STRICT_POLICY
    pages.push({ name: 'site', contentSecurityPolicy, paths: new Set(), find: path => site.find(path) })
  }
  return pages
}

/** Made when the gateway is, so that a contract that can't be described is found at once, and not by the first reader. */
function description(options: GatewayOptions & { readonly basePath: string }): Pages[] {
  const { title = 'API', version = '1.0.0', basePath } = options
  const document = toOpenApi(exposedPart(options.routes), {
    title,
    version,
    basePath,
    ...(options.description === undefined ? {} : { description: options.description }),
  })
  const address = `${basePath}/openapi.json`
  const json = content('application/json', JSON.stringify(document))
  const files = docsFiles(document, address)
  return [
    {
      name: 'openapi',
      contentSecurityPolicy: "default-src 'none'",
      paths: new Set([address]),
      find: () => json,
    },
    { name: 'docs', contentSecurityPolicy: STRICT_POLICY, paths: new Set(files.keys()), find: path => files.get(path) },
  ]
}
