// Holds a database for itself until it is told to end: `FILE`. Says `held` once it has it.
import { DatabaseSync } from 'node:sqlite'

const [file = ''] = process.argv.slice(2)
const database = new DatabaseSync(file, { timeout: 60_000 })
database.exec('begin exclusive')
process.send?.('held')
process.once('disconnect', () => {
  database.exec('rollback')
  database.close()
})
