import { createKey, type Command } from '@flushout/core'
import { defineModel } from '@flushout/core/define'
import { exportHistory, replayLines } from '@flushout/server/replay'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { first, second, third } from '../../../test/support/versions.ts'
import { verifyDatabase, type VerifyEvent } from '../src/verify/verify-database.ts'
import { VersionedWriter } from './support/versioned-writer.ts'
import { add, codeOf, createTestService, KEY, wrapStore } from './support/world.ts'
import { useStores } from './support/stores.ts'

const stores = useStores()

const rename = (id: string, text: string): Command => ({
  action: 'update',
  path: ['todos', id],
  props: { text },
})

for (const [name, openStore] of Object.entries(stores.both)) {
  describe(`with ${name}`, () => {
    /** A model of the first version with one todo, and who made it. */
    async function begin(schema: string) {
      const store = await openStore(schema)
      const old = createTestService({ store, models: [first] })
      const ada = new VersionedWriter(old, 'ada')
      await ada.add('milk', { text: 'Milk' })
      return { store, old, ada }
    }

    test('a document of an older version is brought to the newer one, by one more entry', async () => {
      const { store } = await begin('migrated')
      const service = createTestService({ store, models: [second] })
      expect(await service.snapshot(KEY)).toMatchObject({
        schema: 2,
        document: { todos: { milk: { title: 'Milk' } } },
      })
      const { entries } = await service.history(KEY)
      expect(entries).toHaveLength(2)
      expect(entries[0]).toMatchObject({ userId: null, notes: [{ schema: 2 }] })
      expect(entries[1]!.commands).toEqual([add('milk', { text: 'Milk' })])
      // Once for good, wherever it is loaded next.
      const again = createTestService({ store, models: [second] })
      expect((await again.history(KEY)).entries).toHaveLength(2)
      expect((await again.snapshot(KEY)).schema).toBe(2)
    })

    test('what it was before is read as it was, and tells its version', async () => {
      const { store } = await begin('before')
      const service = createTestService({ store, models: [second], checkpoint: { bytes: 0 } })
      const { commandCount } = await service.snapshot(KEY)
      const then = await service.snapshotAt(KEY, 1)
      expect(then.document).toEqual({ todos: { milk: { text: 'Milk' } } })
      expect(then.schema).toBeUndefined()
      expect((await service.snapshotAt(KEY, commandCount)).schema).toBe(2)
      const bob = new VersionedWriter(service, 'bob').knows(2)
      await bob.pull()
      await bob.add('tea', { title: 'Tea' })
      expect((await service.snapshotAt(KEY, bob.from)).schema).toBe(2)
    })

    test('a version is what its checkpoint says, once that was written', async () => {
      const { store } = await begin('checkpoint')
      const service = createTestService({ store, models: [second], checkpoint: { bytes: 0 } })
      await service.snapshot(KEY)
      const stored = (await store.load(KEY, []))!
      expect(stored.tail).toEqual([])
      expect(stored.checkpoint).toMatchObject({
        schema: 2,
        document: { todos: { milk: { title: 'Milk' } } },
      })
      const again = createTestService({ store, models: [second] })
      expect((await again.history(KEY)).entries).toHaveLength(2)
    })

    test('versions that were never here are gone through one after the other', async () => {
      const { store } = await begin('twice')
      const service = createTestService({ store, models: [third] })
      expect((await service.snapshot(KEY)).document).toEqual({
        todos: { milk: { color: 'grey', title: 'Milk' } },
      })
      expect((await service.history(KEY)).entries).toHaveLength(2)
    })

    test('who knows only an older version is told so, and nothing of theirs takes effect', async () => {
      const { store, ada } = await begin('old_client')
      ada.service = createTestService({ store, models: [second] })
      expect(await codeOf(ada.add('tea'))).toBe('UPGRADE_REQUIRED')
      expect(await codeOf(ada.pull())).toBe('UPGRADE_REQUIRED')
      expect(Object.keys(await ada.todos())).toEqual(['milk'])
    })

    test('their edits take effect as what they are now, once the page was loaded anew', async () => {
      const { store, ada } = await begin('carried')
      ada.service = createTestService({ store, models: [second] })
      const edits = [rename('milk', 'Oat milk'), add('tea')]
      expect(await codeOf(ada.flush(...edits))).toBe('UPGRADE_REQUIRED')
      ada.readerSchema = 2
      const answer = await ada.flush(...edits)
      expect(answer.verdicts).toMatchObject([
        { index: 0, kind: 'amended', command: { props: { title: 'Oat milk' } } },
        { index: 1, kind: 'amended', command: { id: 'tea', props: { title: 'tea' } } },
      ])
      expect(await ada.todos()).toEqual({ milk: { title: 'Oat milk' }, tea: { title: 'tea' } })
    })

    test('a flush of before is a repeat of itself, whatever version its sender knows by now', async () => {
      const { store, ada } = await begin('repeat')
      const flush = { ...ada.next([rename('milk', 'Oat milk')]), schema: 1 }
      await ada.send(flush)
      ada.service = createTestService({ store, models: [second] })
      const answer = await ada.send({ ...flush, readerSchema: 2 })
      expect(answer).toMatchObject({ outcome: 'repeated', verdicts: [] })
      expect(await ada.todos()).toEqual({ milk: { title: 'Oat milk' } })
    })

    test('an edit that means nothing any more is told as dropped', async () => {
      const { store, ada } = await begin('outdated')
      ada.service = createTestService({ store, models: [second] })
      ada.readerSchema = 2
      const { verdicts } = await ada.flush(
        { action: 'delete', path: ['todos', 'milk', 'text'] },
        rename('milk', 'Oat milk'),
      )
      expect(verdicts[0]).toMatchObject({
        kind: 'dropped',
        rejection: { code: 'COMMAND_OUTDATED' },
      })
      expect(await ada.todos()).toEqual({ milk: { title: 'Oat milk' } })
    })

    test('an older client goes on where the newer version lets it', async () => {
      const { store, ada } = await begin('compatible')
      ada.service = createTestService({ store, models: [second] })
      ada.knows(2)
      await ada.pull()
      ada.service = createTestService({ store, models: [third] })
      await ada.add('tea', { title: 'Tea' })
      expect(await ada.todos()).toEqual({
        milk: { color: 'grey', title: 'Milk' },
        tea: { color: 'grey', title: 'Tea' },
      })
      expect(await codeOf(ada.knows(1).add('rum'))).toBe('UPGRADE_REQUIRED')
    })

    test('an older server takes neither a newer model nor a newer client, for the moment', async () => {
      const { store, old, ada } = await begin('old_server')
      const bob = new VersionedWriter(old, 'bob').knows(2)
      expect(await codeOf(bob.add('tea', { title: 'Tea' }))).toBe('UNAVAILABLE')
      bob.service = createTestService({ store, models: [second] })
      await bob.add('tea', { title: 'Tea' })
      // It finds out by its next look at the store, though the model was in its memory.
      expect(await codeOf(ada.add('rum'))).toBe('UNAVAILABLE')
      ada.service = createTestService({ store, models: [first] })
      expect(await codeOf(ada.add('rum'))).toBe('UNAVAILABLE')
      expect((await old.snapshot(KEY)).schema).toBe(2)
    })

    test('of servers that find it old at once, one migrates', async () => {
      const { store } = await begin('race')
      const services = Array.from({ length: 4 }, () =>
        createTestService({ store, models: [second] }),
      )
      const writers = services.map((service, index) =>
        new VersionedWriter(service, `w${index}`).knows(2),
      )
      await Promise.all(writers.map((writer, index) => writer.add(`n${index}`, { title: 'New' })))
      const { entries } = await services[0]!.history(KEY)
      expect(entries.filter(({ notes }) => notes?.some(({ schema }) => schema))).toHaveLength(1)
      expect(Object.keys(await writers[0]!.todos())).toHaveLength(5)
    })

    test('a model that begins at a version is not migrated', async () => {
      const store = await openStore('begun')
      const service = createTestService({ store, models: [second] })
      const key = createKey('todos', 'made')
      await service.models.create(key)
      for (const one of [KEY, key]) {
        expect(await service.snapshot(one)).toMatchObject({ commandCount: 0, schema: 2 })
        expect((await service.history(one)).entries).toEqual([])
      }
    })

    test('a migration that fails leaves everything as it was, and is tried again', async () => {
      const { store, ada } = await begin('failed')
      let isBroken = true
      const fragile = defineModel({
        pattern: 'todos:$list',
        version: 2,
        oldestClient: 1,
        migrate: {
          2(document: { todos: object }) {
            if (isBroken) throw new Error('not yet')
            return { ...document, isWhole: true }
          },
        },
      })
      const before = await store.load(KEY, [])
      ada.service = createTestService({ store, models: [fragile] })
      expect(await codeOf(ada.add('tea'))).toBe('INTERNAL')
      expect(await store.load(KEY, [])).toEqual(before)
      isBroken = false
      await ada.add('tea')
      expect((await ada.service.snapshot(KEY)).document).toMatchObject({
        isWhole: true,
        todos: { tea: {} },
      })
    })

    test('a commit that is lost takes the migration back with it', async () => {
      const { store, ada } = await begin('lost')
      let losses = 1
      const unlucky = wrapStore(store, {
        commit: async (writes) =>
          losses-- > 0 ? writes.map(() => 'conflict' as const) : store.commit(writes),
      })
      const service = createTestService({ store: unlucky, models: [second] })
      ada.service = service
      ada.readerSchema = 2
      await ada.add('tea')
      expect((await service.history(KEY)).entries).toHaveLength(3)
      expect(await ada.todos()).toEqual({ milk: { title: 'Milk' }, tea: { title: 'tea' } })
    })

    test('a history over two versions replays without the functions that migrated it', async () => {
      const { store } = await begin('replayed')
      const service = createTestService({ store, models: [second] })
      const { hash, document } = await service.snapshot(KEY)
      const lines: string[] = []
      for await (const { text } of exportHistory(store, KEY)) lines.push(text)
      expect(await replayLines(lines)).toMatchObject({ hash, document, schema: 2 })
      expect((await replayLines(lines, { at: 1 })).schema).toBeUndefined()
    })

    test('what is erased after a migration is in no entry and no version', async () => {
      const { store } = await begin('erased')
      const service = createTestService({ store, models: [second] })
      await service.snapshot(KEY)
      await service.models.erase(KEY, ['todos', 'milk'])
      const { commandCount } = await service.snapshot(KEY)
      for (let count = 0; count <= commandCount; count += 1) {
        expect(JSON.stringify(await service.snapshotAt(KEY, count))).not.toContain('Milk')
      }
      expect(JSON.stringify(await service.history(KEY))).not.toContain('Milk')
      const again = createTestService({ store, models: [second] })
      expect((await again.snapshot(KEY)).schema).toBe(2)
    })
  })
}

test('verifying finds nothing wrong with what was migrated, with versions before and after', async () => {
  const client = new pg.Client({ connectionString: stores.url })
  await client.connect()
  const { rows } = await client.query(
    `select table_schema as schema from information_schema.tables where table_name = 'flush'`,
  )
  expect(rows.length).toBeGreaterThan(10)
  for (const { schema } of rows as { schema: string }[]) {
    const events: VerifyEvent[] = []
    for await (const event of verifyDatabase(client, schema)) events.push(event)
    expect(events.filter(({ kind }) => kind !== 'model')).toEqual([])
  }
  await client.end()
})
