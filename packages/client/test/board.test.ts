// What a page knows of what others have not sent yet.
import { expect, test } from 'vitest'
import { Board } from '../src/vault/board.ts'

const HOUR_MS = 3_600_000

test('what landed is let go when the page is in step again, though the clock was set back', () => {
  const board = new Board()
  const session = { clientId: 'a', confirmed: 0 }
  const command = { action: 'update' as const, path: [], props: { a: 1 } }
  board.hear('one', [{ ...session, commands: [{ serial: 1, sequence: 1, command }] }], HOUR_MS)
  // It was answered with a count of a history that is gone.
  board.hear('one', [{ ...session, commands: [], confirmed: 9 }], HOUR_MS)
  expect(board.list().flatMap(({ commands }) => commands)).toHaveLength(1)
  board.prune(2, 1_000)
  expect(board.list().flatMap(({ commands }) => commands)).toHaveLength(1)
  expect(board.prune(2, 5_000, 5_000)).toBe(true)
  expect(board.list().flatMap(({ commands }) => commands)).toEqual([])
})
