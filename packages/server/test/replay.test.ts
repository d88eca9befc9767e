import { chainHash, type Command, type JsonObject, type LogEntry } from '@flushout/core'
import { memoryStore, type ModelStore } from '@flushout/server'
import { exportHistory, replayFile, replayLines } from '@flushout/server/replay'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { digest } from '../src/digest.ts'
import { codeOf, createTestService, KEY, Writer } from './support/world.ts'

const often = { checkpoint: { bytes: 300, flushes: 5, keepBytes: 600 } }

/** A model of ten flushes of two authors, with texts that are hard on lines. */
async function populate(store: ModelStore = memoryStore(), key = KEY) {
  const service = createTestService({ store, ...often })
  const [ada, bob] = ['ada', 'bob'].map((id) => new Writer(service, id, { key, user: { id } }))
  const versions = new Map<number, JsonObject>()
  const note = async () => {
    const { commandCount, document } = await service.snapshot(key)
    versions.set(commandCount, document)
  }
  await note()
  for (let turn = 0; turn < 10; turn += 1) {
    const text = `line\nfeed \u2028 and \u0000 "quoted" \\ 🙂 ${turn}`
    await (turn % 3 === 0 ? bob! : ada!).flush(
      { action: 'create', path: ['todos'], id: `n${turn}`, props: { '10': turn, '9': text } },
      { action: 'delete', path: ['todos', `n${turn - 2}`] },
      { action: 'update', path: ['todos', `n${turn}`], props: { done: true }, unset: ['9'] },
    )
    await note()
  }
  return { service, store, versions }
}

async function exportLines(store: ModelStore, key = KEY): Promise<string[]> {
  const lines: string[] = []
  for await (const { text } of exportHistory(store, key)) lines.push(text)
  return lines
}

async function messageOf(lines: readonly string[], options = {}): Promise<string> {
  const error = await replayLines(lines, options).then(
    () => new Error('nothing was found'),
    (found: Error & { code?: string }) => found,
  )
  expect(error).toMatchObject({ code: 'HISTORY_DAMAGED' })
  return error.message
}

describe('a history in a file', () => {
  test('is replayed to the document at any count, key for key', async () => {
    const { service, store, versions } = await populate()
    const lines = await exportLines(store)
    expect(lines).toHaveLength(12)
    expect(lines.join('')).not.toContain('\n')
    const { commandCount, hash } = await service.snapshot(KEY)
    for (const [count, document] of versions) {
      const replayed = await replayLines(lines, { at: count })
      expect(JSON.stringify(replayed.document)).toBe(JSON.stringify(document))
      expect(replayed).toMatchObject({ key: KEY, commandCount: count, entries: 10, erased: 0 })
      expect([replayed.hash]).toEqual(await store.hashes(KEY, [count]))
    }
    for (let at = 0; at <= 30; at += 1) {
      const { document } = await service.snapshotAt(KEY, at)
      expect((await replayLines(lines, { at })).document).toEqual(document)
    }
    expect(await replayLines(lines, { hash })).toMatchObject({ commandCount, hash })
    expect(await codeOf(replayLines(lines, { at: 31 }))).toBe('VERSION_NOT_FOUND')
    await service.close()
  })

  test('is read from a disk, whatever is in it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flushout-replay-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const { service, store } = await populate()
    // More than comes in one piece.
    const text = '🙂\u2028'.repeat(100_000)
    await new Writer(service, 'cleo').add('long', { text })
    const file = join(folder, 'todos.jsonl')
    await writeFile(file, `${(await exportLines(store)).join('\n')}\n`)
    const { document } = await replayFile(file)
    expect(document).toEqual((await service.snapshot(KEY)).document)
    await expect(replayFile(join(folder, 'none.jsonl'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('begins where the history does that is still held', async () => {
    const { service, store } = await populate()
    await service.snapshotAt(KEY, 3)
    await store.trim(KEY, { keep: 6, before: undefined, limit: 1000 })
    const lines = await exportLines(store)
    expect(lines.length).toBeLessThan(12)
    const { document } = await service.snapshot(KEY)
    expect((await replayLines(lines)).document).toEqual(document)
    expect(await codeOf(replayLines(lines, { at: 3 }))).toBe('VERSION_NOT_FOUND')
    expect(await codeOf(exportLines(store, 'todos:none'))).toBe('MODEL_NOT_FOUND')
  })

  test('lets each document on the way be looked at', async () => {
    const { store } = await populate()
    const sizes: [string | null, number][] = []
    await replayLines(await exportLines(store), {
      onEntry: (document, { userId }) => sizes.push([userId, document.size(['todos'])]),
    })
    expect(sizes.slice(0, 4)).toEqual([
      ['bob', 1],
      ['ada', 2],
      ['ada', 2],
      ['bob', 2],
    ])
    expect(sizes).toHaveLength(10)
  })

  test('is replayed without any rule', async () => {
    let runs = 0
    const rule = (_document: unknown, command: Command) => {
      runs += 1
      return command.action === 'create' ? { props: { runs } } : undefined
    }
    const store = memoryStore()
    const service = createTestService({ store, interceptors: [rule] })
    const ada = new Writer(service, 'ada')
    for (const id of ['a', 'b']) await ada.add(id)
    expect(runs).toBe(2)
    const { document } = await replayLines(await exportLines(store))
    expect(document).toEqual({ todos: { a: { runs: 1 }, b: { runs: 2 } } })
    expect(runs).toBe(2)
  })
})

describe('a file that is not as it was', () => {
  const change = (line: string, changes: object) =>
    JSON.stringify({ ...JSON.parse(line), ...changes })
  const swap = (lines: string[], at: number, line: string) => lines.with(at, line)

  test('is refused at the line that was changed', async () => {
    const { store } = await populate()
    const lines = await exportLines(store)
    const entry = JSON.parse(lines[4]!) as LogEntry
    for (const changes of [
      { userId: 'eve' },
      { at: entry.at + 1 },
      { clientId: 'eve' },
      { sequence: entry.sequence + 1 },
      { salt: 'pepper' },
      { notes: [{ index: 0 }] },
      { hash: 'x' },
      { seal: 'x' },
      { commands: entry.commands.with(2, { action: 'delete', path: ['todos'] }) },
      { commands: entry.commands.slice(1) },
    ]) {
      const message = await messageOf(swap(lines, 4, change(lines[4]!, changes)))
      expect(message, JSON.stringify(changes)).toMatch(/^Line 5: The hash is \S+, the entries make/)
    }
    const first = JSON.parse(lines[0]!) as { snapshot: object }
    const snapshot = { ...first.snapshot, document: { todos: { forged: {} } } }
    expect(await messageOf(swap(lines, 0, change(lines[0]!, { snapshot })))).toMatch(
      /^Line 1: The document has digest \S+, not/,
    )
    const genesis = { ...first.snapshot, hash: 'x' }
    expect(await messageOf(swap(lines, 0, change(lines[0]!, { snapshot: genesis })))).toMatch(
      /^Line 2: The hash is/,
    )
    expect(await messageOf(swap(lines, 11, '{"end":{"commandCount":30,"hash":"x"}}'))).toMatch(
      /^Line 12: The end is at 30 \(x\), the entries end at 30 \(/,
    )
  })

  test('is refused where lines were left out, put in, or put elsewhere', async () => {
    const { store } = await populate()
    const lines = await exportLines(store)
    const without = (...gone: number[]) => lines.filter((_, index) => !gone.includes(index))
    expect(await messageOf(without(4))).toBe('Line 5: It goes on at 12 after 9.')
    expect(await messageOf(lines.toSpliced(4, 0, lines[3]!))).toBe(
      'Line 5: It goes on at 6 after 9.',
    )
    expect(await messageOf(swap(swap(lines, 4, lines[5]!), 5, lines[4]!))).toBe(
      'Line 5: It goes on at 12 after 9.',
    )
    expect(await messageOf(without(0))).toBe('Line 1: This is not the beginning of a history.')
    expect(await messageOf(without(10))).toMatch(/^Line 11: The end is at 30/)
    expect(await messageOf(lines.slice(0, 8))).toBe('It is cut off after 21 commands.')
    expect(await messageOf([...lines, lines[5]!])).toBe('Line 13: The history has ended before.')
    expect(await messageOf([])).toBe('There is nothing in it.')
  })

  test('is refused where it goes on with another history', async () => {
    const { store } = await populate()
    const lines = await exportLines(store)
    const other = await exportLines((await populate()).store)
    const fork = [...lines.slice(0, 6), ...other.slice(6)]
    expect(await messageOf(fork)).toMatch(/^Line 7: The hash is \S+, the entries make/)
    const { hash } = await replayLines(lines)
    expect(await messageOf(other, { hash })).toMatch(/^Line 12: The history ends with \S+, and not/)
  })

  test.each([
    ['', 'This is not JSON.'],
    ['{"from":9', 'This is not JSON.'],
    ['null', 'This is no entry of a history.'],
    ['[]', 'This is no entry of a history.'],
    ['{"end":{"commandCount":-1,"hash":""}}', 'This is no entry of a history.'],
  ])('is refused with %j among its lines', async (line, message) => {
    const { store } = await populate()
    const lines = await exportLines(store)
    expect(await messageOf(swap(lines, 4, line))).toBe(`Line 5: ${message}`)
  })

  test('is refused whatever single field of an entry is missing or of another kind', async () => {
    const { store } = await populate()
    const lines = await exportLines(store)
    const entry = JSON.parse(lines[4]!) as Record<string, unknown>
    for (const field of Object.keys(entry)) {
      for (const value of [undefined, -1, [], [5], {}, 'text', false]) {
        const message = await messageOf(
          swap(lines, 4, JSON.stringify({ ...entry, [field]: value })),
        )
        expect(message, `${field} ${JSON.stringify(value)}`).toMatch(/^Line 5: /)
      }
    }
  })

  test('says what does not apply, though its hashes are right', async () => {
    const { store, service } = await populate()
    const { commandCount, hash } = await service.snapshot(KEY)
    const head = (await store.heads([KEY])).get(KEY)!
    const commands: LogEntry['commands'] = [
      { action: 'update', path: ['nowhere', 'at', 'all'], props: { x: 1 } },
    ]
    const chained = { clientId: 'eve', sequence: 1, userId: null, at: 1, commands, salt: 's' }
    const entry = { ...chained, from: commandCount, hash: chainHash(hash, chained, digest) }
    const next = { commandCount: commandCount + 1, revision: head.revision + 1, hash: entry.hash }
    await store.commit([{ key: KEY, read: head, head: next, entries: [entry], clients: [] }])
    expect(await messageOf(await exportLines(store))).toMatch(/^Line 12: .*nowhere/)
  })
})

test('what was erased is in no export, and the rest replays to what is left', async () => {
  const { service, store } = await populate()
  const ada = new Writer(service, 'cleo')
  await ada.add('kept', { text: 'kept' })
  expect((await exportLines(store)).join('')).toContain('🙂 9')
  await service.models.erase(KEY, ['todos', 'n9'])
  const lines = await exportLines(store)
  expect(lines.join('')).not.toContain('🙂 9')
  expect(lines.join('')).toContain('🙂 8')
  const { document, hash } = await service.snapshot(KEY)
  const replayed = await replayLines(lines, { hash })
  expect(replayed.document).toEqual(document)
  expect(replayed.erased).toBe(1)
})

test('erased contents are not vouched for, and counted', async () => {
  const { store } = await populate()
  const lines = await exportLines(store)
  const entry = JSON.parse(lines[4]!) as LogEntry
  const commands = entry.commands.map((command) =>
    command.action === 'create' ? { ...command, props: {} } : command,
  )
  const seal = digest(entry.salt + JSON.stringify([entry.commands, []]))
  const erased = { ...entry, commands, salt: '', seal }
  const replayed = await replayLines(lines.with(4, JSON.stringify(erased)))
  expect(replayed).toMatchObject({ commandCount: 30, entries: 10, erased: 1 })
})
