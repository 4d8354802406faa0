import { readFileSync } from 'node:fs'

/** Version of the command, and of the Node that it runs in. */
export function version(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return `trellis ${manifest.version} (Node ${process.versions.node})`
}
