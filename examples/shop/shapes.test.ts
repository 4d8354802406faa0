import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { MAX_LINES, MAX_QUANTITY } from './orders/order.ts'
import { Id, line, lines, Money, Price } from './shapes.ts'
import { Email, Name } from './users/contract.ts'

function takes(schema: z.ZodType, good: readonly unknown[], bad: readonly unknown[]): void {
  for (const value of good) assert(schema.safeParse(value).success, JSON.stringify(value))
  for (const value of bad) assert(!schema.safeParse(value).success, JSON.stringify(value))
}

test('an id is text that a path can hold', () => {
  takes(Id, ['p-001', 'a b', '../..', '...', 'é', '🌱', 'x'.repeat(64)], ['', '.', '..', 'a\0', '\n', 'x'.repeat(65)])
})

test('text of one line has no control characters, that of several has line ends', () => {
  takes(line({ max: 5 }), ['', 'a b', 'é🌱'], ['a\nb', '\0', '\u007f', 'abcdef'])
  takes(lines({ max: 9 }), ['a\r\n\tb'], ['\0', '\u001b[31m', '\b'])
})

test('a name is not blank', () => {
  takes(Name, ['Ann', ' Ann ', '-'], ['', ' ', '\u00a0', '\u3000 ', 'A\0', 'A\nB'])
})

test('an address is one that mail can carry', () => {
  const good = ['ann@example.com', "o'neill+shop@a-b.co.uk", `${'a'.repeat(64)}@b.cc`, `a@${'b'.repeat(63)}.cc`]
  const bad = [`${'a'.repeat(65)}@b.cc`, `a@${'b'.repeat(64)}.cc`, 'a@-b.cc', 'a@b-.cc', 'a..b@c.dd', '.a@b.cc', 'a@b']
  takes(Email, good, bad)
})

test('the total of the largest order is an amount', () => {
  const price = { amount: 10_000_000_000, currency: 'EUR' }
  takes(Price, [price], [{ ...price, amount: price.amount + 1 }])
  takes(Money, [{ ...price, amount: price.amount * MAX_LINES * MAX_QUANTITY }], [])
})
