import { type Command, type JsonObject, type JsonValue, type LogEntry } from '@flushout/core'
import { testDigest } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CheckedCommand } from '../src/check.ts'
import { chainHash } from '../src/history.ts'
import { redactCommand, redactDocument, redactEntry, redactVerdict } from '../src/redact.ts'
import { command, document, key } from './support/arbitraries.ts'
import { checked, frozen, open } from './support/engine.ts'

const runs = { numRuns: Number(process.env['RUNS'] ?? 3000) }
const paths = fc.array(key, { minLength: 1, maxLength: 4 })

/** The commands that apply one after the other, and the documents before and after each. */
function replay(start: JsonObject, commands: readonly Command[]) {
  const tree = open(frozen(start))
  const applied: CheckedCommand[] = []
  const documents = [tree.read() as JsonObject]
  for (const one of commands.map((command) => checked(command))) {
    if (tree.apply(one, [])) continue
    applied.push(one)
    documents.push(tree.read() as JsonObject)
  }
  return { applied, documents }
}

const text = (value: JsonValue) => JSON.stringify(value)

describe('what is redacted', () => {
  test('leads from redacted document to redacted document, at every count', () => {
    fc.assert(
      fc.property(
        document,
        fc.array(command, { maxLength: 20 }),
        paths,
        (start, commands, path) => {
          const { applied, documents } = replay(start, commands)
          const redacted = applied.map((one) => checked(redactCommand(one, path)))
          const again = replay(redactDocument(start, path), redacted)
          expect(again.documents.map(text)).toEqual(
            documents.map((one) => text(redactDocument(one, path))),
          )
        },
      ),
      runs,
    )
  })

  test('leads who still has the value to the same, once it is deleted', () => {
    fc.assert(
      fc.property(
        document,
        fc.array(command, { maxLength: 20 }),
        paths,
        fc.nat(20),
        (start, commands, path, place) => {
          const { applied, documents } = replay(start, commands)
          const from = Math.min(place, applied.length)
          const rest = applied.slice(from).map((one) => redactCommand(one, path))
          const end: Command = { action: 'delete', path }
          const expected = replay(start, [...applied, end]).documents.at(-1)!
          const found = replay(documents[from]!, [...rest, end])
          expect(text(found.documents.at(-1)!)).toBe(text(expected))
        },
      ),
      runs,
    )
  })

  test('holds nothing of the value any more', () => {
    const path = ['todos', 'a']
    const secret = { text: 'SECRET' }
    const commands: CheckedCommand[] = [
      { action: 'create', path: ['todos'], id: 'a', props: secret, parentDefault: { a: 1 } },
      { action: 'create', path: ['todos'], id: 'b', parentDefault: { a: secret, c: 1 } },
      { action: 'create', path: [], id: 'todos', props: { a: secret, c: 1 } },
      { action: 'create', path, id: 'SECRET', props: secret },
      { action: 'create', path, id: 'SECRET', props: secret, parentDefault: secret },
      { action: 'update', path: [], props: { todos: { a: 'SECRET', c: 1 }, c: 1 } },
      { action: 'update', path: ['todos'], props: { a: ['SECRET'], c: 1 } },
      { action: 'update', path, props: secret, unset: ['SECRET'] },
      { action: 'update', path: [...path, 'SECRET'], props: secret },
      { action: 'delete', path: [...path, 'SECRET'] },
    ]
    const redacted = commands.map((one) => redactCommand(one, path))
    expect(text(redacted as never)).not.toContain('SECRET')
    expect(redacted[0]).toEqual({
      action: 'create',
      path: ['todos'],
      id: 'a',
      props: {},
      parentDefault: { a: 1 },
    })
    expect(redacted[6]).toMatchObject({ props: { a: null, c: 1 } })
  })

  test('stays the very same where nothing of it is meant', () => {
    const others: CheckedCommand[] = [
      { action: 'create', path: ['todos'], id: 'b', props: { a: 1 } },
      { action: 'update', path: ['todos'], props: { b: 1 }, unset: ['a'] },
      { action: 'delete', path: ['todos'] },
      { action: 'delete', path: ['todos', 'a'] },
      { action: 'update', path: ['other', 'a'], props: { x: 1 } },
    ]
    for (const one of others) expect(redactCommand(one, ['todos', 'a'])).toBe(one)
    const plain = { todos: { b: 1 }, a: 5 }
    expect(redactDocument(plain, ['todos', 'a'])).toBe(plain)
    expect(redactDocument(plain, ['a', 'b'])).toBe(plain)
    const verdict = { index: 0, kind: 'amended', command: others[0]! } as const
    expect(redactVerdict(verdict, ['todos', 'a'])).toBe(verdict)
  })
})

describe('an entry', () => {
  const entry: LogEntry = {
    from: 4,
    hash: 'h',
    clientId: 'ada',
    sequence: 2,
    userId: 'u',
    at: 7,
    commands: [
      { action: 'update', path: ['todos', 'b'], props: { text: 'b' } },
      { action: 'update', path: ['todos', 'a'], props: { text: 'SECRET' } },
    ],
    notes: [
      { index: 0, label: 'Rename b' },
      { index: 1, label: 'Rename to SECRET', cause: 0 },
    ],
    salt: 'random',
  }

  test('keeps its place in the chain, without what one could guess its contents by', () => {
    const redacted = redactEntry(entry, ['todos', 'a'], testDigest)
    expect(chainHash('before', redacted, testDigest)).toBe(chainHash('before', entry, testDigest))
    expect(redacted).toMatchObject({ from: 4, hash: 'h', salt: '', seal: expect.any(String) })
    expect(redacted.notes).toEqual([
      { index: 0, label: 'Rename b' },
      { index: 1, cause: 0 },
    ])
    expect(text(redacted as never)).not.toContain('SECRET')
    const twice = redactEntry(redacted, ['todos', 'b'], testDigest)
    expect(twice.seal).toBe(redacted.seal)
    expect(redactEntry(entry, ['todos', 'c'], testDigest)).toBe(entry)
  })

  test('loses what a resolver met', () => {
    const sent: Command = { action: 'update', path: ['todos', 'a'], props: { text: 'SECRET' } }
    const merged = { sent, found: { text: 'SECRET' }, base: 3 }
    const { notes } = redactEntry(
      { ...entry, notes: [{ index: 1, merged }] },
      ['todos', 'a'],
      testDigest,
    )
    expect(notes).toEqual([{ index: 1 }])
    const far = { ...entry, notes: [{ index: 0, merged }] }
    expect(redactEntry(far, ['todos', 'c'], testDigest)).toBe(far)
  })

  test('loses what a group has read below', () => {
    const reads = { since: 3, paths: [['todos', 'a', 'SECRET']] }
    const group = { ...entry, notes: [{ index: 0, atomic: true as const, reads }] }
    expect(redactEntry(group, ['todos', 'a'], testDigest).notes).toEqual([
      { index: 0, atomic: true },
    ])
    expect(redactEntry(group, ['todos', 'c'], testDigest)).toBe(group)
  })

  test('loses the name of a batch of which a part goes', () => {
    const batch = { ...entry, notes: [{ index: 0, label: 'SECRET and b', count: 2 }] }
    const { notes } = redactEntry(batch, ['todos', 'a'], testDigest)
    expect(notes).toEqual([{ index: 0, count: 2 }])
  })
})

test('a verdict tells nothing of what is gone', () => {
  const secret: Command = { action: 'create', path: ['todos'], id: 'a', props: { text: 'SECRET' } }
  const other: Command = { action: 'delete', path: ['x'] }
  for (const verdict of [
    { index: 0, kind: 'amended', command: secret },
    { index: 0, kind: 'applied', followUps: [other, secret] },
    { index: 0, kind: 'amended', command: other, followUps: [secret] },
  ] as const) {
    const redacted = redactVerdict(verdict, ['todos', 'a'])
    expect(text(redacted as never)).not.toContain('SECRET')
    expect(redacted).toMatchObject({ index: 0, kind: verdict.kind })
  }
  const conflict = (at: string[]) =>
    ({
      index: 0,
      kind: 'conflict',
      rejection: { code: 'CONFLICT', message: 'Late.', at },
      found: { text: 'SECRET' },
    }) as const
  expect(redactVerdict(conflict(['todos', 'a', 'text']), ['todos', 'a'])).not.toHaveProperty(
    'found',
  )
  expect(redactVerdict(conflict(['todos', 'b']), ['todos', 'a'])).toHaveProperty('found')
})
