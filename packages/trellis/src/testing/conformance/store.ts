/**
 * The promises of the Store port as tests. Every engine runs this kit; what it does not pass is not a store.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isFault } from '../../kernel/index.ts'
import type { Migration, SqlValue, Store, Transaction } from '../../store/index.ts'

/** An empty database and the first store on it. */
export interface StoreUnderTest {
  readonly store: Store
  /** A further store on the same database, as another process would open it. The kit closes it. */
  another(): Promise<Store>
  /** Closes `store` and opens the database again; what this resolves to takes its place. */
  reopen(): Promise<Store>
  /** Closes and removes everything. */
  dispose(): Promise<void>
}

/** Registers the tests of one engine with `node:test`. `open` is called for each test. */
export function storeConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: store`, () => {
    const promise = (title: string, body: (subject: StoreUnderTest, store: Store) => Promise<void>): void => {
      test(title, { timeout: 60_000 }, async () => {
        const subject = await open()
        try {
          await subject.store.transaction(tx => createAccounts(tx, subject.store))
          await body(subject, subject.store)
        } finally {
          await subject.dispose()
        }
      })
    }

    promise('a committed transaction is there after a reopen', async (subject, store) => {
      await store.transaction(tx => insertAccount(tx, 'a', 5))
      const again = await subject.reopen()
      assert.deepEqual(await again.reader.all('select * from account'), [{ id: 'a', balance: 5 }])
    })

    promise('the value of the body is the value of the transaction', async (_, store) => {
      assert.equal(await store.transaction(async () => 'value'), 'value')
    })

    promise('a throw rolls everything back and is passed on as it is', async (_, store) => {
      const failure = new Error('no')
      await assert.rejects(
        store.transaction(async tx => {
          await insertAccount(tx, 'a', 5)
          throw failure
        }),
        error => error === failure,
      )
      assert.equal(await countAccounts(store), 0)
    })

    promise('a body that throws before its first await rolls back as well', async (_, store) => {
      const failure = new Error('at once')
      const body = (): Promise<void> => {
        throw failure
      }
      await assert.rejects(store.transaction(body), error => error === failure)
      await store.transaction(tx => insertAccount(tx, 'a', 1))
    })

    promise('a transaction reads its own writes', async (_, store) => {
      await store.transaction(async tx => {
        await insertAccount(tx, 'a', 5)
        assert.equal(await tx.run('update account set balance = balance + ? where id = ?', 2, 'a'), 1)
        assert.deepEqual(await tx.get('select balance from account where id = ?', 'a'), { balance: 7 })
      })
    })

    promise('the reader sees what was committed, and nothing of what was not', async (_, store) => {
      const inside = gate()
      const mayEnd = gate()
      const running = store.transaction(async tx => {
        await insertAccount(tx, 'a', 5)
        inside.open()
        await mayEnd.opened
      })
      await inside.opened
      assert.equal(await countAccounts(store), 0)
      mayEnd.open()
      await running
      assert.equal(await countAccounts(store), 1)
    })

    promise('the reader cannot write', async (_, store) => {
      await assert.rejects(store.reader.run('delete from account'), reason('SQL_ERROR', 'internal'))
      await assert.rejects(
        store.reader.all("insert into account (id, balance) values ('a', 1) returning id"),
        reason('SQL_ERROR', 'internal'),
      )
      assert.equal(await countAccounts(store), 0)
    })

    promise('concurrent increments of one counter lose none', async (_, store) => {
      await store.transaction(tx => insertAccount(tx, 'a', 0))
      const increment = (): Promise<void> =>
        store.transaction(async tx => {
          const row = await tx.get<{ balance: number }>('select balance from account where id = ?', 'a')
          await tx.run('update account set balance = ? where id = ?', (row?.balance ?? Number.NaN) + 1, 'a')
        })
      await Promise.all(Array.from({ length: 40 }, increment))
      assert.deepEqual(await store.reader.get('select balance from account'), { balance: 40 })
    })

    promise('two stores on one database lose no increment', async (subject, store) => {
      await using other = await subject.another()
      await store.transaction(tx => insertAccount(tx, 'a', 0))
      const increment = (on: Store): Promise<number> =>
        on.transaction(async tx => {
          await tx.get('select balance from account where id = ?', 'a')
          return await tx.run('update account set balance = balance + 1 where id = ?', 'a')
        })
      await Promise.all(Array.from({ length: 40 }, (_unused, i) => increment(i % 2 === 0 ? store : other)))
      assert.deepEqual(await other.reader.get('select balance from account'), { balance: 40 })
    })

    promise('write skew does not happen: the sum of two accounts never falls below zero', async (_, store) => {
      await store.transaction(async tx => {
        await insertAccount(tx, 'a', 50)
        await insertAccount(tx, 'b', 50)
      })
      const withdraw = (from: string): Promise<void> =>
        store.transaction(async tx => {
          const row = await tx.get<{ sum: number }>('select sum(balance) as sum from account')
          if ((row?.sum ?? 0) >= 100) await tx.run('update account set balance = balance - 100 where id = ?', from)
        })
      await Promise.all([withdraw('a'), withdraw('b')])
      assert.deepEqual(await store.reader.get('select sum(balance) as sum from account'), { sum: 0 })
    })

    promise(
      'two transactions that each insert what the other looked for do not both succeed in vain',
      async (_, store) => {
        const claim = (id: string): Promise<boolean> =>
          store.transaction(async tx => {
            const row = await tx.get<{ n: number }>('select count(*) as n from account')
            if ((row?.n ?? 0) > 0) return false
            await insertAccount(tx, id, 0)
            return true
          })
        const won = await Promise.all(['a', 'b', 'c', 'd'].map(claim))
        assert.equal(won.filter(Boolean).length, 1)
        assert.equal(await countAccounts(store), 1)
      },
    )

    promise('onCommit is called once, after the commit, and not after a rollback', async (_, store) => {
      const calls: string[] = []
      await store
        .transaction(async tx => {
          tx.onCommit(() => calls.push('rolled back'))
          throw new Error('no')
        })
        .catch(() => undefined)
      await store.transaction(async tx => {
        tx.onCommit(() => calls.push('committed'))
        assert.deepEqual(calls, [])
      })
      assert.deepEqual(calls, ['committed'])
    })

    promise('a second row with the same key is UNIQUE_VIOLATION', async (_, store) => {
      await store.transaction(tx => insertAccount(tx, 'a', 1))
      await assert.rejects(
        store.transaction(tx => insertAccount(tx, 'a', 2)),
        reason('UNIQUE_VIOLATION', 'already_exists'),
      )
      assert.deepEqual(await store.reader.all('select balance from account'), [{ balance: 1 }])
    })

    promise('a row that breaks a constraint is CONSTRAINT_VIOLATION', async (_, store) => {
      await assert.rejects(
        store.transaction(tx => insertAccount(tx, 'a', -1_000_000)),
        reason('CONSTRAINT_VIOLATION', 'failed_precondition'),
      )
      await assert.rejects(
        store.transaction(tx => tx.run('insert into account (id, balance) values (?, null)', 'a')),
        reason('CONSTRAINT_VIOLATION', 'failed_precondition'),
      )
    })

    promise('a body that swallows the failure of a statement commits nothing', async (_, store) => {
      await store.transaction(tx => insertAccount(tx, 'a', 1))
      await assert.rejects(
        store.transaction(async tx => {
          await insertAccount(tx, 'b', 1)
          await insertAccount(tx, 'a', 1).catch(() => undefined)
          await tx.run('select 1').catch(() => undefined)
        }),
        reason('UNIQUE_VIOLATION'),
      )
      assert.equal(await countAccounts(store), 1)
    })

    promise('SQL that makes no sense is SQL_ERROR, and the store goes on', async (_, store) => {
      await assert.rejects(
        store.transaction(tx => tx.run('insert into nowhere values (1)')),
        reason('SQL_ERROR', 'internal'),
      )
      await assert.rejects(store.reader.all('selec 1'), reason('SQL_ERROR', 'internal'))
      await store.transaction(tx => insertAccount(tx, 'a', 1))
    })

    promise(
      'several statements in one text, and statements that would end the transaction, are refused',
      async (_, store) => {
        for (const text of [
          "delete from account; select ';'",
          'commit',
          ' /* so */ rollback',
          'begin',
          'savepoint a',
        ]) {
          await assert.rejects(
            store.transaction(async tx => {
              await insertAccount(tx, 'a', 1)
              await tx.run(text)
            }),
            reason('SQL_ERROR', 'internal'),
            text,
          )
        }
        assert.equal(await countAccounts(store), 0)
      },
    )

    promise('too few, too many and unstorable values are refused', async (_, store) => {
      const text = 'update account set balance = ? where id = ?'
      const bad: readonly (readonly unknown[])[] = [
        [1],
        [1, 'a', 2],
        [true, 'a'],
        [undefined, 'a'],
        [Number.NaN, 'a'],
        [Number.POSITIVE_INFINITY, 'a'],
        [2n ** 63n, 'a'],
        [{}, 'a'],
        [new Date(0), 'a'],
      ]
      for (const values of bad) {
        await assert.rejects(
          store.transaction(tx => tx.run(text, ...(values as SqlValue[]))),
          reason('SQL_ERROR', 'internal'),
        )
      }
    })

    promise("text with the character NUL is refused as the caller's mistake", async (_, store) => {
      await assert.rejects(
        store.transaction(tx => insertAccount(tx, 'a\0b', 1)),
        reason('TEXT_NOT_STORABLE', 'invalid_argument'),
      )
    })

    promise('values come back as they went in', async (_, store) => {
      const { key, text, integer, real, bytes } = store.dialect.types
      await store.transaction(tx =>
        tx.run(`create table every_type (k ${key} primary key, t ${text}, i ${integer}, r ${real}, b ${bytes})`),
      )
      const insert = 'insert into every_type (k, t, i, r, b) values (?, ?, ?, ?, ?)'
      const large = 'ä€😀x'.repeat(250_000)
      const rows: readonly SqlValue[][] = [
        ['empty', '', 0, 0, new Uint8Array()],
        ['null', null, null, null, null],
        ['text', 'it\'s ünïcödé 😀 \\ " ? $1 -- /* \n\t', -1, 0.1, Uint8Array.of(0, 255, 39, 92)],
        ['safe', 'x', Number.MAX_SAFE_INTEGER, 1e300, Uint8Array.of(1)],
        ['big', 'x', 2n ** 63n - 1n, -5e-324, Uint8Array.of(2)],
        ['small', 'x', -(2n ** 63n), 2 ** 60, Uint8Array.of(3)],
        ['large', large, 1, 1.5, new Uint8Array(1_000_000).fill(7)],
      ]
      await store.transaction(async tx => {
        for (const row of rows) await tx.run(insert, ...row)
      })
      for (const [k, t, i, r, b] of rows) {
        const expected = { k, t, i, r, b }
        assert.deepEqual(await store.reader.get('select * from every_type where k = ?', k as string), expected)
        await store.transaction(async tx => {
          assert.deepEqual(await tx.get('select * from every_type where k = ?', k as string), expected)
        })
      }
    })

    promise('sums and counts are numbers, and bigints only beyond 2^53', async (_, store) => {
      await store.transaction(async tx => {
        await insertAccount(tx, 'a', 2 ** 52)
        await insertAccount(tx, 'b', 2 ** 52)
      })
      const sum = 'select count(*) as n, sum(balance) as total from account'
      assert.deepEqual(await store.reader.get(sum), { n: 2, total: 9007199254740992n })
      await store.transaction(tx => tx.run('update account set balance = 4'))
      assert.deepEqual(await store.reader.get(sum), { n: 2, total: 8 })
    })

    promise('question marks in quotes, names and comments are no placeholders', async (_, store) => {
      await store.transaction(tx => insertAccount(tx, 'a?', 5))
      const row = await store.reader.get(
        `select 'it''s ?' as "what?", balance -- really?
         from account /* why ? */ where id = ? and balance > ?`,
        'a?',
        4,
      )
      assert.deepEqual(row, { 'what?': "it's ?", balance: 5 })
    })

    promise('run tells how many rows it changed', async (_, store) => {
      await store.transaction(async tx => {
        assert.equal(await insertAccount(tx, 'a', 1), 1)
        assert.equal(await insertAccount(tx, 'b', 1), 1)
        assert.equal(await tx.run('update account set balance = 2'), 2)
        assert.equal(await tx.run('delete from account where id = ?', 'nobody'), 0)
        assert.equal(await tx.run('create table other (id integer)'), 0)
      })
    })

    promise('returning gives the rows that were written', async (_, store) => {
      await store.transaction(async tx => {
        const text = 'insert into account (id, balance) values (?, ?) returning balance, id'
        assert.deepEqual(await tx.all(text, 'a', 1), [{ balance: 1, id: 'a' }])
        assert.deepEqual(await tx.get(text, 'b', 2n ** 60n), { balance: 2n ** 60n, id: 'b' })
        assert.equal(await tx.get('select id from account where id = ?', 'c'), undefined)
      })
    })

    promise('text is ordered by code point', async (_, store) => {
      const ids = ['B', 'a', 'Z', 'ä', '_', '1', 'aa', 'A b']
      await store.transaction(async tx => {
        for (const id of ids) await insertAccount(tx, id, 0)
      })
      const rows = await store.reader.all<{ id: string }>('select id from account order by id')
      assert.deepEqual(
        rows.map(row => row.id),
        ids.toSorted(),
      )
    })

    promise('insertOrIgnore leaves the row that was there', async (_, store) => {
      const text = store.dialect.insertOrIgnore('account', ['id', 'balance'])
      await store.transaction(async tx => {
        assert.equal(await tx.run(text, 'a', 1), 1)
        assert.equal(await tx.run(text, 'a', 2), 0)
      })
      assert.deepEqual(await store.reader.all('select * from account'), [{ id: 'a', balance: 1 }])
    })

    promise('insertOrIgnore by two transactions at once inserts one row', async (subject, store) => {
      await using other = await subject.another()
      const text = store.dialect.insertOrIgnore('account', ['id', 'balance'])
      const counts = await Promise.all(
        [store, other, store, other].map(on => on.transaction(tx => tx.run(text, 'a', 1))),
      )
      assert.deepEqual(counts.toSorted(), [0, 0, 0, 1])
    })

    promise('upsert replaces the row that was there', async (_, store) => {
      const text = store.dialect.upsert('account', ['id'], ['id', 'balance'])
      const keysOnly = store.dialect.upsert('account', ['id'], ['id'])
      await store.transaction(async tx => {
        await tx.run(text, 'a', 1)
        await tx.run(text, 'a', 2)
        await tx.run(keysOnly, 'a')
      })
      assert.deepEqual(await store.reader.all('select * from account'), [{ id: 'a', balance: 2 }])
    })

    promise('serial numbers rise and are never used again', async (subject, store) => {
      await store.transaction(tx => tx.run(`create table numbered (n ${store.dialect.types.serial}, id integer)`))
      const insert = async (on: Store): Promise<number> => {
        const row = await on.transaction(tx =>
          tx.get<{ n: number }>('insert into numbered (id) values (1) returning n'),
        )
        return row?.n ?? Number.NaN
      }
      const first = await insert(store)
      const second = await insert(store)
      await store.transaction(tx => tx.run('delete from numbered'))
      const third = await insert(await subject.reopen())
      assert.ok(first < second && second < third, `${first}, ${second}, ${third}`)
    })

    promise('locking reads run inside a transaction', async (_, store) => {
      await store.transaction(tx => insertAccount(tx, 'a', 1))
      const { forUpdate, forUpdateSkipLocked } = store.dialect
      await store.transaction(async tx => {
        assert.equal((await tx.all(`select id from account where id = ? ${forUpdate}`, 'a')).length, 1)
        assert.equal((await tx.all(`select id from account where id = ? ${forUpdateSkipLocked}`, 'a')).length, 1)
      })
    })

    promise('a body that holds too long is rolled back, and the next one runs', async (_, store) => {
      const never = new Promise<void>(() => undefined)
      const held = store.transaction(
        async tx => {
          await insertAccount(tx, 'a', 1)
          await never
        },
        { maxHoldMs: 30 },
      )
      const next = store.transaction(tx => insertAccount(tx, 'b', 1))
      await assert.rejects(held, reason('TRANSACTION_TOO_LONG', 'deadline_exceeded'))
      await next
      assert.deepEqual(await store.reader.all('select id from account'), [{ id: 'b' }])
    })

    promise('an aborted body is rolled back with the reason of the signal', async (_, store) => {
      const caller = new AbortController()
      const running = store.transaction(
        async tx => {
          await insertAccount(tx, 'a', 1)
          caller.abort(new Error('gone'))
          await insertAccount(tx, 'b', 1)
        },
        { signal: caller.signal },
      )
      await assert.rejects(running, error => isFault(error) && error.code === 'cancelled')
      assert.equal(await countAccounts(store), 0)
    })

    promise('an aborted transaction that waits, and one aborted before, never run', async (_, store) => {
      const caller = new AbortController()
      const mayEnd = gate()
      let ran = false
      const first = store.transaction(() => mayEnd.opened)
      const body = async (): Promise<void> => {
        ran = true
      }
      const options = { signal: AbortSignal.abort() }
      await assert.rejects(store.transaction(body, options), error => isFault(error) && error.code === 'cancelled')
      assert.equal(ran, false)
      const second = store.transaction(tx => insertAccount(tx, 'a', 1), { signal: caller.signal })
      caller.abort()
      await assert.rejects(second, error => isFault(error) && error.code === 'cancelled')
      mayEnd.open()
      await first
      assert.equal(await countAccounts(store), 0)
    })

    promise('a transaction that is over refuses every use', async (_, store) => {
      let kept: Transaction | undefined
      await store.transaction(async tx => {
        kept = tx
      })
      assert.ok(kept !== undefined)
      const over = kept
      await assert.rejects(over.run('delete from account'), reason('TRANSACTION_OVER', 'failed_precondition'))
      await assert.rejects(over.get('select 1 as one'), reason('TRANSACTION_OVER'))
      await assert.rejects(over.all('select 1 as one'), reason('TRANSACTION_OVER'))
      assert.throws(() => over.onCommit(() => undefined), reason('TRANSACTION_OVER'))
    })

    promise('a statement that was not awaited is part of the commit or refused, never half done', async (_, store) => {
      let late: Promise<unknown> = Promise.resolve()
      await store.transaction(async tx => {
        late = insertAccount(tx, 'a', 1).then(
          () => 'done',
          () => 'refused',
        )
      })
      assert.equal(await countAccounts(store), (await late) === 'done' ? 1 : 0)
    })

    promise('the time stands still within a transaction and agrees with the store', async (_, store) => {
      const earliest = await store.now()
      const seen = await store.transaction(async tx => {
        const first = tx.now
        await tx.get('select 1 as one')
        assert.equal(tx.now, first)
        return first
      })
      const latest = await store.now()
      assert.ok(Number.isSafeInteger(seen))
      assert.ok(earliest <= seen + 1 && seen <= latest + 1, `${earliest} ${seen} ${latest}`)
    })

    promise('it is healthy, and says so no more once closed', async (subject, store) => {
      assert.deepEqual(await store.health(), { healthy: true })
      const other = await subject.another()
      await other[Symbol.asyncDispose]()
      await other[Symbol.asyncDispose]()
      assert.equal((await other.health()).healthy, false)
      await assert.rejects(
        other.transaction(async () => undefined),
        reason('STORE_UNAVAILABLE', 'unavailable'),
      )
      await assert.rejects(other.reader.all('select 1 as one'), reason('STORE_UNAVAILABLE', 'unavailable'))
    })

    promise('closing waits for the transactions that were asked for', async subject => {
      const other = await subject.another()
      const asked = [1, 2, 3].map(i => other.transaction(tx => insertAccount(tx, `a${i}`, i)))
      await other[Symbol.asyncDispose]()
      await Promise.all(asked)
      assert.equal(await countAccounts(subject.store), 3)
    })

    describe('migrations', () => {
      promise('run in order, once', async (_, store) => {
        await store.migrate('shop', [step('1', 'create table m (a integer)')])
        const both = [step('1', 'create table m (a integer)'), step('2', 'alter table m add column b integer')]
        await store.migrate('shop', both)
        await store.migrate('shop', both)
        await store.migrate('other', [step('1', 'create table n (a integer)')])
        await store.transaction(tx => tx.run('insert into m (a, b) values (1, 2)'))
      })

      promise('run once when several processes start together', async (subject, store) => {
        await using second = await subject.another()
        await using third = await subject.another()
        const steps = [
          step('1', 'create table m (a integer)'),
          step('2', 'insert into m (a) values (1)'),
          step('3', 'insert into m (a) values (2)'),
        ]
        await Promise.all([store, second, third, store].map(on => on.migrate('shop', steps)))
        assert.deepEqual(await store.reader.all('select a from m order by a'), [{ a: 1 }, { a: 2 }])
      })

      promise('a step that fails leaves nothing, and the ones before it stay', async (_, store) => {
        const steps = [step('1', 'create table m (a integer)'), step('2', 'create table o (a integer)', 'nonsense')]
        await assert.rejects(store.migrate('shop', steps), reason('SQL_ERROR'))
        await store.migrate('shop', [step('1', 'create table m (a integer)'), step('2', 'create table o (b integer)')])
        await store.transaction(tx => tx.run('insert into o (b) values (1)'))
      })

      promise('a changed step is MIGRATION_CHANGED', async (_, store) => {
        await store.migrate('shop', [step('1', 'create table m (a integer)')])
        const changed = reason('MIGRATION_CHANGED', 'failed_precondition')
        await assert.rejects(store.migrate('shop', [step('1', 'create table m (b integer)')]), changed)
        const moved = [step('0', 'create table o (a integer)'), step('1', 'create table m (a integer)')]
        await assert.rejects(store.migrate('shop', moved), changed)
      })

      promise('a database with unknown steps is DATABASE_NEWER', async (_, store) => {
        const first = step('1', 'create table m (a integer)')
        await store.migrate('shop', [first, step('2', 'create table o (a integer)')])
        await assert.rejects(store.migrate('shop', [first]), reason('DATABASE_NEWER', 'failed_precondition'))
      })

      promise('two steps of one name are refused', async (_, store) => {
        await assert.rejects(store.migrate('shop', [step('1', 'select 1'), step('1', 'select 2')]), TypeError)
      })
    })
  })
}

async function createAccounts(tx: Transaction, store: Store): Promise<void> {
  const { key, integer } = store.dialect.types
  await tx.run(
    `create table account (id ${key} primary key, balance ${integer} default 0 not null check (balance > -1000000))`,
  )
}

function insertAccount(tx: Transaction, id: string, balance: SqlValue): Promise<number> {
  return tx.run('insert into account (id, balance) values (?, ?)', id, balance)
}

async function countAccounts(store: Store): Promise<number> {
  const row = await store.reader.get<{ n: number }>('select count(*) as n from account')
  return row?.n ?? Number.NaN
}

function step(name: string, ...statements: string[]): Migration {
  return { name, statements: () => statements }
}

function reason(expected: string, code?: string): (error: unknown) => true {
  return error => {
    assert.ok(isFault(error), `a fault, not ${String(error)}`)
    assert.equal(error.reason, expected, error.message)
    if (code !== undefined) assert.equal(error.code, code)
    return true
  }
}

interface Gate {
  readonly opened: Promise<void>
  open(): void
}

function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}
