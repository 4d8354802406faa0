import type { KeyStorage, SigningKey } from 'trellis/security'
import type { Store } from 'trellis/store'

/** Signing keys in the service's own store, so that they are backed up and restored with the users. */
export function storedKeys(store: Store): KeyStorage {
  const read = async (sql: Pick<Store['reader'], 'all'>): Promise<SigningKey[]> => {
    const rows = await sql.all<{ material: string }>('select material from session_key order by kid')
    return rows.map(row => JSON.parse(row.material) as SigningKey)
  }
  return {
    load: () => read(store.reader),
    update: change =>
      store.transaction(async tx => {
        const keys = change(await read(tx))
        await tx.run('delete from session_key')
        for (const key of keys) {
          await tx.run('insert into session_key (kid, material) values (?, ?)', key.kid, JSON.stringify(key))
        }
        return keys
      }),
  }
}
