import {
  type ClientRecord,
  type Command,
  endOf,
  firstIdAt,
  type Flush,
  type LogEntry,
  Master,
  toAppliedFlush,
} from '@flushout/core'
import { createTestIds, testDigest, throughJson, World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

const context = { user: { id: 'ada' }, now: 7, seed: 'seed' }

function createMaster(
  document = {},
  options: Partial<ConstructorParameters<typeof Master>[1]> = {},
): Master {
  return new Master(
    { commandCount: 0, hash: 'genesis', document },
    { createId: createTestIds('master'), digest: testDigest, ...options },
  )
}

function flushOf(commands: readonly Command[], fields: Partial<Flush> = {}): Flush {
  return {
    protocol: 1,
    clientId: 'ada',
    sequence: 1,
    from: 0,
    hash: 'genesis',
    commands,
    ...fields,
  }
}

const set = (props: object): Command => ({
  action: 'update',
  props: props as Record<string, never>,
})

describe('staged flushes', () => {
  test('show at once, each on top of the one before, and are taken back together', () => {
    const master = createMaster({ a: 1 })
    master.apply(flushOf([set({ b: 1 })]), context)
    const before = {
      snapshot: master.snapshot(),
      bytes: [master.documentBytes, master.historyBytes],
      floor: master.floor,
      client: master.client('ada'),
    }
    master.stage(
      flushOf([set({ c: 1 }), { action: 'delete', path: ['a'] }], { sequence: 2, hash: '' }),
      context,
    )
    const second = master.stage(
      flushOf([{ action: 'update', path: ['c'] }, set({ d: 1 })], { clientId: 'bob', hash: '' }),
      context,
    )
    expect(second.answer.verdicts).toMatchObject([
      { index: 0, kind: 'dropped', rejection: { code: 'NOT_A_NODE' } },
    ])
    expect(master.snapshot().document).toEqual({ b: 1, c: 1, d: 1 })
    expect(master.commandCount).toBe(4)
    master.rollback()
    expect(master.snapshot()).toEqual(before.snapshot)
    expect([master.documentBytes, master.historyBytes]).toEqual(before.bytes)
    expect(master.floor).toBe(before.floor)
    expect(master.client('ada')).toBe(before.client)
    expect(master.client('bob')).toBeUndefined()
  })

  test('are history after commit, and a later rollback leaves them', () => {
    const master = createMaster()
    master.stage(flushOf([set({ a: 1 })]), context)
    master.commit()
    master.stage(flushOf([set({ b: 1 })], { sequence: 2, hash: '' }), context)
    master.rollback()
    expect(master.snapshot()).toMatchObject({ commandCount: 1, document: { a: 1 } })
    expect(master.client('ada')?.sequence).toBe(1)
    // The same flush, sent again, is new.
    expect(
      master.apply(flushOf([set({ b: 1 })], { sequence: 2, hash: '' }), context),
    ).toMatchObject({ outcome: 'applied', commandCount: 2 })
  })

  test('give the entry and the client record to store, for a repeat the record again, for a pull nothing', () => {
    const master = createMaster()
    const flush = flushOf([set({ a: 1 })])
    const { entry, client, answer } = master.stage(flush, context)
    master.commit()
    expect(entry).toEqual({
      from: 0,
      hash: master.hash,
      clientId: 'ada',
      sequence: 1,
      userId: 'ada',
      at: 7,
      commands: [{ action: 'update', path: [], props: { a: 1 } }],
      salt: expect.any(String),
    })
    expect(client).toEqual({
      clientId: 'ada',
      userId: 'ada',
      sequence: 1,
      at: 7,
      digest: expect.any(String),
      answer: { verdicts: [], remaps: [] },
    })
    expect(answer).toMatchObject({
      sequence: 1,
      outcome: 'applied',
      commandCount: 1,
      hash: master.hash,
    })
    expect(master.stage(flush, context)).toMatchObject({
      entry: undefined,
      client,
      answer: { outcome: 'repeated' },
    })
    expect(master.stage(flushOf([], { hash: '' }), context)).toMatchObject({
      entry: undefined,
      client: undefined,
    })
    expect(master.commandCount).toBe(1)
  })

  test('of which nothing was applied use up their number and no count', () => {
    const master = createMaster()
    const { entry, client } = master.stage(flushOf([{ action: 'update', path: ['gone'] }]), context)
    master.commit()
    expect(entry).toBeUndefined()
    expect(client).toMatchObject({ sequence: 1 })
    expect(master.snapshot()).toEqual({ commandCount: 0, hash: 'genesis', document: {} })
    expect(() => master.apply(flushOf([set({ b: 1 })]), context)).toThrow(
      expect.objectContaining({ code: 'SEQUENCE_REUSED' }),
    )
  })
})

describe('the number of a flush', () => {
  test('sent again gives the first outcome again, verdicts and remaps included', () => {
    const master = createMaster({ same: {} })
    const flush = flushOf([
      { action: 'create', id: 'same' },
      { action: 'update', path: ['gone'] },
    ])
    const first = master.apply(flush, context)
    expect(first.remaps).toEqual([{ from: ['same'], to: ['master-1'] }])
    const second = master.apply(throughJson(flush), { ...context, now: 99, seed: 'other' })
    expect(second).toEqual({ ...first, outcome: 'repeated' })
    expect(master.commandCount).toBe(1)
  })

  test('sent again with another past is told so, before it gets the first outcome', () => {
    const master = createMaster()
    const first = master.apply(flushOf([set({ a: 1 })]), context)
    const flush = flushOf([set({ b: 1 })], { sequence: 2, from: 1, hash: first.hash })
    master.apply(flush, context)
    // A copy of the client sent the same, while this one holds what was lost.
    const other = { ...flush, hash: 'lost' }
    expect(() => master.apply(other, context)).toThrow(
      expect.objectContaining({ code: 'HISTORY_CHANGED' }),
    )
    const answer = master.apply({ ...flush, hash: '' }, context)
    expect(answer).toMatchObject({ outcome: 'repeated', sync: { kind: 'snapshot' } })
    expect(master.commandCount).toBe(2)
  })

  for (const [code, sequence, commands] of [
    ['SEQUENCE_REUSED', 2, [set({ other: 1 })]],
    ['SEQUENCE_PAST', 1, [set({ n: 1 })]],
    ['SEQUENCE_GAP', 4, [set({ n: 4 })]],
  ] as const) {
    test(`${code} is refused with nothing changed`, () => {
      const master = createMaster()
      for (const n of [1, 2])
        master.apply(flushOf([set({ n })], { sequence: n, hash: '' }), context)
      const before = master.snapshot()
      expect(() => master.apply(flushOf(commands, { sequence }), context)).toThrow(
        expect.objectContaining({ code }),
      )
      expect(master.snapshot()).toEqual(before)
      expect(master.client('ada')?.sequence).toBe(2)
    })
  }

  test('may leave some out for a client that claims no past here, once', () => {
    const master = createMaster()
    const late = flushOf([set({ n: 2 })], { sequence: 2 })
    const flush = flushOf([set({ n: 3 })], { sequence: 3, hash: '' })
    expect(master.apply(flush, context)).toMatchObject({ outcome: 'applied', commandCount: 1 })
    expect(master.apply(flush, context)).toMatchObject({ outcome: 'repeated', commandCount: 1 })
    expect(() => master.apply(late, context)).toThrow(
      expect.objectContaining({ code: 'SEQUENCE_PAST' }),
    )
  })

  test('above 1 of a client that nobody knows is refused as expired', () => {
    const run = () => createMaster().apply(flushOf([set({ n: 1 })], { sequence: 5 }), context)
    expect(run).toThrow(expect.objectContaining({ code: 'CLIENT_EXPIRED', retry: 'after-resync' }))
  })

  test('of a client as old as those that were forgotten is refused, whatever it claims', () => {
    const master = createMaster()
    const createId = (time: number) => `${firstIdAt(time).slice(0, 20)}123456`
    const [old, young] = [createId(1000), createId(2000)]
    master.apply(flushOf([set({ n: 1 })], { clientId: old }), context)
    master.forgetClientsUpTo(createId(1500))
    master.forgetClientsUpTo(createId(1400))
    const send = (clientId: string, changes = {}) =>
      master.apply(flushOf([set({ n: 2 })], { clientId, ...changes }), context).outcome
    const expired = expect.objectContaining({ code: 'CLIENT_EXPIRED' })
    // Who is known is known.
    expect(send(old, { sequence: 2, hash: '' })).toBe('applied')
    master.forgetClient(old)
    expect(() => send(old)).toThrow(expired)
    expect(() => send(old, { hash: '' })).toThrow(expired)
    expect(() => send(old, { sequence: 3, hash: '' })).toThrow(expired)
    expect(() => send(createId(1500))).toThrow(expired)
    expect(send(young)).toBe('applied')
    expect(send('0-without-a-time')).toBe('applied')
    expect(send(`~${old}`)).toBe('applied')
  })

  test('of a client that another user has is refused, for an empty flush too', () => {
    const master = createMaster()
    master.apply(flushOf([set({ n: 1 })]), context)
    for (const commands of [[set({ n: 2 })], []]) {
      for (const user of [{ id: 'eve' }, undefined]) {
        const run = () =>
          master.apply(flushOf(commands, { sequence: 2, hash: '' }), { ...context, user })
        expect(run).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }))
      }
    }
  })

  test('is known again after a restart, from the record that was stored', () => {
    const master = createMaster()
    const flush = flushOf([set({ n: 1 })])
    const { client, entry } = master.stage(flush, context)
    master.commit()
    const restarted = createMaster()
    restarted.advance([throughJson(entry!)])
    restarted.rememberClient(throughJson(client!))
    expect(restarted.apply(flush, context)).toMatchObject({ outcome: 'repeated', commandCount: 1 })
    // An older record takes nothing back.
    restarted.apply(flushOf([set({ n: 2 })], { sequence: 2, hash: '' }), context)
    restarted.rememberClient(client!)
    expect(restarted.client('ada')?.sequence).toBe(2)
    restarted.forgetClient('ada')
    expect(restarted.client('ada')).toBeUndefined()
  })
})

describe('a history that is not the client’s', () => {
  test('is noticed by its hash wherever the master knows it, and asks for nothing else', () => {
    const master = createMaster()
    const hashes = ['genesis']
    for (let n = 1; n <= 4; n += 1) {
      master.apply(flushOf([set({ n })], { sequence: n, hash: '' }), context)
      hashes.push(master.hash)
    }
    expect(new Set(hashes).size).toBe(5)
    hashes.forEach((hash, from) => {
      expect(master.pull(from, hash).commandCount).toBe(4)
      for (const other of ['x', hashes[(from + 1) % 5]!]) {
        expect(() => master.pull(from, other)).toThrow(
          expect.objectContaining({ code: 'HISTORY_CHANGED' }),
        )
      }
    })
    expect(() => master.pull(5, 'x')).toThrow(expect.objectContaining({ code: 'HISTORY_CHANGED' }))
    // Clients stand where a flush ended, and nowhere between.
    const two = [set({ a: 1 }), set({ b: 1 })]
    master.apply(flushOf(two, { sequence: 5, hash: '' }), context)
    expect(() => master.pull(5, 'x')).toThrow(expect.objectContaining({ code: 'HISTORY_CHANGED' }))
    expect(master.pull(99, '').sync.kind).toBe('snapshot')
  })
})

describe('a pull', () => {
  test('at the head brings nothing, behind it updates or a snapshot, whichever is smaller', () => {
    const large = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key-${n}`, n]))
    const master = createMaster(large)
    expect(master.pull(0, 'genesis')).toEqual({
      commandCount: 0,
      hash: 'genesis',
      sync: { kind: 'none' },
    })
    master.apply(flushOf([set({ a: 1 })]), context)
    expect(master.pull(0, 'genesis').sync).toEqual({
      kind: 'updates',
      updates: [
        {
          from: 0,
          hash: master.hash,
          clientId: 'ada',
          sequence: 1,
          commands: [{ action: 'update', path: [], props: { a: 1 } }],
        },
      ],
    })
    const hashes = [master.hash]
    for (let n = 2; n < 30; n += 1) {
      master.apply(flushOf([set({ a: n })], { sequence: n, hash: '' }), context)
      hashes.push(master.hash)
    }
    expect(master.pull(0, 'genesis').sync).toMatchObject({
      kind: 'snapshot',
      snapshot: { commandCount: 29, document: { a: 29 } },
    })
    expect(master.pull(27, hashes[26]!).sync).toMatchObject({
      kind: 'updates',
      updates: [{ from: 27 }, { from: 28 }],
    })
  })
})

describe('advancing along what others stored', () => {
  function recorded(count: number): LogEntry[] {
    const master = createMaster()
    const entries = Array.from(
      { length: count },
      (_, n) =>
        master.stage(
          flushOf([set({ [`n${n}`]: n }), set({ last: n })], { sequence: n + 1, hash: '' }),
          context,
        ).entry!,
    )
    master.commit()
    return entries
  }

  test('ends where they ended, skips what is known, and keeps their hashes', () => {
    const entries = throughJson(recorded(4))
    const master = createMaster()
    master.advance(entries.slice(0, 2))
    master.advance(entries)
    expect(master.snapshot()).toMatchObject({
      commandCount: 8,
      hash: entries[3]!.hash,
      document: { n0: 0, n3: 3, last: 3 },
    })
    expect(endOf(entries[3]!)).toBe(8)
    expect(master.pull(4, entries[1]!.hash).commandCount).toBe(8)
  })

  test('refuses a gap, and an entry that does not apply', () => {
    const entries = recorded(3)
    const refusal = expect.objectContaining({ code: 'HISTORY_CHANGED' })
    expect(() => createMaster().advance(entries.slice(1))).toThrow(refusal)
    const bad = {
      ...entries[0]!,
      commands: [{ action: 'delete', path: ['gone', 'x'] }],
    } as LogEntry
    expect(() => createMaster().advance([bad])).toThrow(refusal)
    const odd = { ...entries[0]!, commands: [{ action: 'rename' }] } as unknown as LogEntry
    expect(() => createMaster().advance([odd])).toThrow(refusal)
  })

  test('leaves the entries as they were and shares nothing with them', () => {
    const entries = throughJson(recorded(1))
    const master = createMaster()
    master.advance(entries)
    ;(entries[0]!.commands[0] as any).props.n0 = 'changed'
    expect(master.snapshot().document).toEqual({ n0: 0, last: 0 })
  })

  test('reaches further back when older history is put before it', () => {
    const entries = recorded(4)
    const large = { large: 'x'.repeat(10_000) }
    const at = { commandCount: 4, hash: entries[1]!.hash, document: large }
    const master = new Master(at, { createId: createTestIds('m'), digest: testDigest })
    master.advance(entries.slice(2))
    expect(master.floor).toBe(4)
    expect(master.pull(2, entries[0]!.hash).sync.kind).toBe('snapshot')
    master.prependHistory(entries.slice(3), 'wrong')
    expect(master.floor).toBe(4)
    master.prependHistory(entries.slice(1, 2), entries[0]!.hash)
    expect(master.floor).toBe(2)
    expect(master.pull(2, entries[0]!.hash).sync).toMatchObject({
      kind: 'updates',
      updates: [{ from: 2 }, { from: 4 }, { from: 6 }],
    })
    expect(() => master.pull(2, 'other')).toThrow(
      expect.objectContaining({ code: 'HISTORY_CHANGED' }),
    )
  })
})

test('an entry goes to others with its commands, and to its author without', () => {
  const entry: LogEntry = {
    from: 3,
    hash: 'h',
    clientId: 'ada',
    sequence: 2,
    userId: 'secret',
    at: 1,
    commands: [{ action: 'delete', path: ['a'] }],
    notes: [{ index: 0 }],
    salt: 's',
  }
  expect(toAppliedFlush(entry, false)).toEqual({
    from: 3,
    hash: 'h',
    clientId: 'ada',
    sequence: 2,
    commands: entry.commands,
  })
  expect(toAppliedFlush(entry, true)).toEqual({ from: 3, hash: 'h', clientId: 'ada', sequence: 2 })
})

test('a client record is plain JSON, as is every answer', () => {
  const master = createMaster({ same: {} })
  const { answer, client, entry } = master.stage(
    flushOf([
      { action: 'create', id: 'same' },
      { action: 'delete', path: ['x', 'y'] },
    ]),
    context,
  )
  for (const message of [answer, client as ClientRecord, entry])
    expect(throughJson(message)).toEqual(message)
})

test('what JSON cannot carry is refused by verdict, also from a caller in the same process', () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  for (const value of [1n, cycle]) {
    const world = new World({})
    const commands = [{ action: 'update', props: { value } }] as never
    const flush = { protocol: 1, clientId: 'a', sequence: 1, from: 0, hash: '', commands } as const
    const answer = world.master.apply(flush, { user: undefined, now: 0, seed: '' })
    expect(answer.verdicts).toMatchObject([{ index: 0, kind: 'rejected' }])
    expect(world.master.snapshot()).toMatchObject({ commandCount: 0, document: {} })
  }
})
