import { CommandProxy, type Command, type JsonObject, type Update } from '@flushout/core'
import { createTestIds } from '@flushout/core/testing'
import { type ModelStore, type Resolve } from '@flushout/server'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { verifyDatabase, type VerifyEvent } from '../src/verify/verify-database.ts'
import { joinTags } from './support/join-tags.ts'
import { createTestService, KEY, Writer } from './support/world.ts'
import { useStores } from './support/stores.ts'

const set = (props: JsonObject, expects?: Update['expects'], id = 'a'): Command => ({
  action: 'update',
  path: ['todos', id],
  props,
  ...(expects && { expects }),
})

/** Adds what was added to what is there. */
const add: Resolve = ({ command, found }) => ({
  props: {
    n: Number(found['n']) + Number(command.props!['n']) - Number(command.expects!.props!['n']),
  },
})

function open(
  store: ModelStore,
  options: Parameters<typeof createTestService>[0] & { resolve?: Resolve | undefined } = {},
) {
  const { resolve, ...others } = options
  const initial = { todos: { a: { n: 0 }, b: {} } }
  return createTestService({
    store,
    models: [{ pattern: 'todos:*', initial, ...(resolve && { resolve }) }],
    ...others,
  })
}

const stores = useStores()

for (const [name, openStore] of Object.entries(stores.both)) {
  describe(`with ${name}`, () => {
    test('a stale update overwrites nothing, and says so again after a restart', async () => {
      const store = await openStore('stale')
      const service = open(store)
      const [ada, bob] = [new Writer(service, 'ada'), new Writer(service, 'bob')]
      await ada.pull()
      await bob.pull()
      await ada.flush(set({ n: 1 }))
      const flush = bob.next([set({ n: 2 }, { props: { n: 0 } }), set({ m: 3 })])
      const { verdicts } = await bob.send(flush)
      expect(verdicts).toEqual([
        {
          index: 0,
          kind: 'conflict',
          rejection: {
            code: 'CONFLICT',
            message: expect.any(String),
            at: ['todos', 'a', 'n'],
          },
          found: { n: 1 },
        },
      ])
      expect(await bob.todos()).toMatchObject({ a: { n: 1, m: 3 } })
      bob.service = open(store)
      await ada.flush(set({ n: 5 }))
      expect(await bob.send(flush)).toMatchObject({ outcome: 'repeated', verdicts })
    })

    test('of many who count up on two servers nobody overwrites another', async () => {
      for (const resolve of [undefined, add]) {
        const store = await openStore(resolve ? 'merged' : 'counted')
        const services = [open(store, { resolve }), open(store, { resolve })]
        const kinds: string[] = []
        await Promise.all(
          Array.from({ length: 6 }, async (_, index) => {
            const writer = new Writer(services[index % 2]!, `c${index}`)
            await writer.pull()
            for (let turn = 0; turn < 5; turn += 1) {
              const n = Number(
                (await writer.todos())['a'] && ((await writer.todos())['a'] as JsonObject)['n'],
              )
              const { verdicts } = await writer.flush(set({ n: n + 1 }, { props: { n } }))
              kinds.push(verdicts[0]?.kind ?? 'applied')
            }
          }),
        )
        const { n } = (await new Writer(services[0]!, 'last').todos())['a'] as { n: number }
        expect(n).toBe(resolve ? 30 : kinds.filter((kind) => kind === 'applied').length)
        expect(kinds.filter((kind) => kind === (resolve ? 'conflict' : 'amended'))).toEqual([])
      }
    })

    test('what nobody else wrote since is looked up in the store, as far as it reaches', async () => {
      const store = await openStore('since')
      const options = { checkpoint: { bytes: 1, flushes: 3, keepBytes: 1 } }
      const ada = new Writer(open(store, options), 'ada')
      for (let turn = 0; turn < 100; turn += 1) {
        await ada.flush(
          set({ turn, text: 'longer than the document is '.repeat(3) }, undefined, 'b'),
        )
      }
      // Nothing of it is in memory here, and it is more than the document.
      const bob = new Writer(open(store, options), 'bob')
      await bob.pull()
      const ask = (since: number, id: string) => set({ by: 'bob' }, { since }, id)
      const { verdicts } = await bob.flush(ask(0, 'a'), ask(0, 'b'), ask(99, 'b'), ask(100, 'b'))
      expect(verdicts.map(({ index, kind }) => [index, kind])).toEqual([
        [1, 'conflict'],
        [2, 'conflict'],
      ])
      // Bob is the last who wrote, and what he wrote himself does not count.
      expect((await bob.flush(ask(100, 'b'))).verdicts).toEqual([])

      const short = new Writer(open(store, { ...options, limits: { historyBytes: 500 } }), 'cy')
      await short.pull()
      expect((await short.flush(ask(0, 'a'))).verdicts).toMatchObject([{ kind: 'conflict' }])
      expect((await short.flush(ask(short.from, 'a'))).verdicts).toEqual([])
    })

    test('what a group has read is looked up in the store, as far as it reaches', async () => {
      const store = await openStore('reads')
      const options = { checkpoint: { bytes: 1, flushes: 3, keepBytes: 1 } }
      const first = open(store, options)
      const start = await first.snapshot(KEY)
      const ada = new Writer(first, 'ada')
      for (let turn = 0; turn < 60; turn += 1) {
        await ada.flush(set({ turn, text: 'longer than the document is '.repeat(3) }, undefined))
      }
      const decide = async (reader: Writer, read: string, write: Command) => {
        const paths = [['todos', read]]
        const { verdicts } = await reader.send({
          ...reader.next([write]),
          from: start.commandCount,
          hash: start.hash,
          groups: [{ at: 0, count: 1, atomic: true, reads: { since: 0, hash: start.hash, paths } }],
        })
        return verdicts.map(({ kind }) => kind)
      }
      // Nothing of it is in memory here, and it is more than the document.
      const reader = (name: string, more: object = {}) =>
        new Writer(open(store, { ...options, ...more }), name)
      const write = set({ by: 'bob' }, undefined, 'b')
      expect(await decide(reader('bob'), 'a', set({ by: 'bob' }, undefined, 'a'))).toEqual([])
      expect(await decide(reader('cy'), 'a', set({ turn: 1 }))).toEqual(['conflict'])
      expect(await decide(reader('di'), 'c', write)).toEqual([])
      const short = { limits: { historyBytes: 500 } }
      expect(await decide(reader('ed', short), 'c', write)).toEqual(['conflict'])
    })

    test('a conflict that was resolved shows in the history with both sides, and is checked with it', async () => {
      const store = await openStore('resolved')
      let asked = 0
      const resolve: Resolve = (stale) => {
        asked += 1
        return add(stale)
      }
      const service = open(store, { resolve })
      const [ada, bob] = [new Writer(service, 'ada'), new Writer(service, 'bob')]
      await ada.pull()
      await bob.pull()
      await ada.flush(set({ n: 10 }))
      const sent = set({ n: 1 }, { props: { n: 0 } })
      const { verdicts, hash } = await bob.flush(sent)
      const command = set({ n: 11 })
      expect(verdicts).toEqual([{ index: 0, kind: 'amended', command }])
      const { entries } = await service.history(KEY)
      expect(entries[0]).toMatchObject({
        clientId: 'bob',
        commands: [command],
        notes: [{ index: 0, merged: { sent, found: { n: 10 }, base: 0 } }],
      })
      expect(asked).toBe(1)
      // Others replay it, and nobody is asked again.
      const other = open(store, { resolve })
      expect(await other.snapshot(KEY)).toMatchObject({
        document: { todos: { a: { n: 11 } } },
        hash,
      })
      expect(await other.snapshotAt(KEY, 2)).toMatchObject({
        document: { todos: { a: { n: 11 } } },
      })
      expect(asked).toBe(1)
    })

    test('the resolver of the docs keeps the tags of both, and leaves other conflicts alone', async () => {
      const service = open(await openStore('tags'), { resolve: joinTags })
      const [ada, bob] = [new Writer(service, 'ada'), new Writer(service, 'bob')]
      await ada.flush(set({ tags: ['x'], text: 'a' }))
      await ada.flush(set({ tags: ['x', 'ada'], text: 'b' }))
      const expects = { props: { tags: ['x'] } }
      await bob.flush(set({ tags: ['x', 'bob'], done: true }, expects))
      expect((await bob.todos())['a']).toMatchObject({ tags: ['x', 'ada', 'bob'], done: true })
      const { verdicts } = await bob.flush(set({ text: 'c' }, { props: { text: 'a' } }))
      expect(verdicts).toMatchObject([{ kind: 'conflict', found: { text: 'b' } }])
    })

    test('a proxy follows the conflicts of its server', async () => {
      const service = open(await openStore('followed'))
      const proxy = new CommandProxy(await service.snapshot(KEY), {
        createId: createTestIds('ada'),
        now: () => 0,
      })
      proxy.update(['todos', 'a'], { n: 1 }, { expects: { since: 0 } })
      const bob = new Writer(service, 'bob')
      await bob.pull()
      await bob.flush(set({ n: 7 }))
      proxy.endFlush(await service.flush(KEY, proxy.beginFlush()!))
      expect(proxy.rejections).toMatchObject([
        { kind: 'conflict', given: { n: 1 }, found: { n: 7 }, rejection: { code: 'CONFLICT' } },
      ])
      expect(proxy.read()).toEqual((await service.snapshot(KEY)).document)
    })
  })
}

test('a database with merges in it is found sound', async () => {
  const client = new pg.Client({ connectionString: stores.url })
  await client.connect()
  const events: VerifyEvent[] = []
  for (const schema of ['merged', 'resolved']) {
    for await (const event of verifyDatabase(client, schema)) events.push(event)
  }
  await client.end()
  expect(events.map(({ kind }) => kind)).toEqual(['model', 'model'])
})
