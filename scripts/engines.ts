// `npm run engines -- NAME...`: fetches real engines for the tests. Fetched, not started: each test starts its own.
import { fetchFromDebian } from './debian.ts'
import type { ToolName } from './tool-cache.ts'
import { fetchAll } from './tools.ts'

const postgresVersion = 15

const engines: Partial<Record<ToolName, () => void>> = {
  postgres: () =>
    fetchFromDebian({
      name: 'postgres',
      packages: [`postgresql-${postgresVersion}`],
      withDependencies: true,
      commands: {
        postgres: `usr/lib/postgresql/${postgresVersion}/bin/postgres`,
        initdb: `usr/lib/postgresql/${postgresVersion}/bin/initdb`,
      },
    }),
}

const names = process.argv.slice(2)
if (names.length === 0) {
  console.error(`Name an engine: npm run engines -- ${Object.keys(engines).join(' | ')}`)
  process.exitCode = 1
} else if (!fetchAll(engines, names)) {
  process.exitCode = 1
}
