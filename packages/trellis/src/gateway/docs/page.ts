/** The page that describes an API to people: made on the server from the OpenAPI document, so that it is readable without a script. */
import type { OpenApiDocument } from '../../contract/openapi.ts'
import { type Html, html } from './html.ts'
import { anchor, type Described, operationArticle, titleOf } from './operation.ts'
import { prose, words } from './prose.ts'

interface Group {
  readonly name: string
  readonly description: string | undefined
  readonly operations: readonly Described[]
}

/** The whole page. `address` is that of the OpenAPI document. */
export function docsPage(document: OpenApiDocument, address: string): string {
  const { title, version, description } = document.info
  const groups = groupsOf(document)
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – API</title>
<link rel="icon" href="/docs/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/style.css">
<script src="/docs/script.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the operations</a>
<header class="top">
  <h1>${title} <small>${version}</small></h1>
  <a class="source" href="${address}">OpenAPI</a>
</header>
<div class="columns">
<details class="menu" open>
  <summary>Operations</summary>
  <nav aria-label="Operations">
    <p class="filter" hidden><label for="filter">Filter</label> <input id="filter" type="search" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></p>
    ${groups.map(menuGroup)}
  </nav>
</details>
<main id="main" tabindex="-1">
  <section class="intro">${prose(description)}${about(document)}</section>
  ${groups.map(group => groupSection(group, document))}
  <p id="none" class="none" role="status" hidden>No operation fits the filter.</p>
</main>
</div>
</body>
</html>
`
  return page.html
}

function groupsOf(document: OpenApiDocument): Group[] {
  const operations: Described[] = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
  return document.tags.map(({ name, description }) => ({
    name,
    description,
    operations: operations.filter(({ operation }) => (operation.tags as readonly string[]).includes(name)),
  }))
}

function groupId(name: string): string {
  return `group-${name.replace(/[^A-Za-z0-9]+/g, '-')}`
}

function menuGroup({ name, operations }: Group): Html {
  return html`<div data-group><h2><a href="#${groupId(name)}">${name}</a></h2><ul>${operations.map(
    described =>
      html`<li data-operation="${`${described.method} ${described.path} ${titleOf(described)}`.toLowerCase()}"><a href="#${anchor(described)}"><span class="method ${described.method.toLowerCase()}">${described.method}</span> <span>${words(titleOf(described))}</span></a></li>`,
  )}</ul></div>`
}

function groupSection(group: Group, document: OpenApiDocument): Html {
  return html`<section data-group aria-labelledby="${groupId(group.name)}">
<h2 id="${groupId(group.name)}">${group.name}</h2>
${prose(group.description)}
${group.operations.map(operation => operationArticle(operation, document))}
</section>`
}

/** What holds for every operation, said once. */
function about(document: OpenApiDocument): Html {
  const hasSecurity = Object.values(document.paths).some(methods =>
    Object.values(methods).some(({ security }) => Array.isArray(security) && security.length > 0),
  )
  return html`<dl class="about">
${hasSecurity ? html`<div><dt>Signing in</dt><dd>Operations marked <span class="note">signed in</span> take a token as <code>authorization: Bearer TOKEN</code>.</dd></div>` : ''}
<div><dt>Failures</dt><dd>Every failure is an <code>application/problem+json</code> document (RFC 9457). Compare its <code>code</code> and <code>reason</code>; read its <code>detail</code>.</dd></div>
<div><dt>Time</dt><dd>A call may say how long it will wait: <code>trellis-timeout-ms: 2000</code>. After <code>retry-after</code> seconds it is worth trying again.</dd></div>
</dl>`
}
