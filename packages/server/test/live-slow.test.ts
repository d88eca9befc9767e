// Who takes nothing for a while gets nothing more, holds nobody up, and costs little.
import { endOf, type LogEntry } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { Channel, type Reader } from '../src/live/channel.ts'
import type { Frame } from '../src/live/frame.ts'
import { documentView, type Point } from '../src/live/view.ts'
import { Clock, Copy, Ear, serve, settle } from './support/live-world.ts'
import { KEY, Writer } from './support/world.ts'

const models = { [KEY]: null }

describe('a stream that takes nothing', () => {
  test('gets nothing more, is led on from where it was, and the others notice nothing', async () => {
    const service = serve(new Clock())
    const before = await service.snapshot(KEY)
    const [slow, quick] = [await Ear.open(service, { models }), await Ear.open(service, { models })]
    const copies = [new Copy(slow, before), new Copy(quick, before)] as const
    const ada = new Writer(service, 'ada')
    slow.isFull = true
    for (let n = 0; n < 40; n += 1) await ada.add(`n${n}`)
    // One that it was given when it said stop.
    expect(slow.all('updates')).toHaveLength(1)
    expect(quick.all('updates')).toHaveLength(40)
    slow.drain()
    // Together, not one by one.
    expect(slow.all('updates').length).toBeLessThan(10)
    expect(slow.unwanted).toBe(0)
    await ada.add('last')
    for (const copy of copies) {
      expect(copy.read()).toEqual((await service.snapshot(KEY)).document)
      expect(copy.gaps).toBe(0)
    }
  })

  test('is told how far the model is when it is too far behind', async () => {
    const service = serve(new Clock())
    await service.snapshot(KEY)
    const [slow, feed] = [
      await Ear.open(service, { models }),
      await Ear.open(service, { feeds: [{ models: KEY, path: ['todos'] }] }),
    ]
    const ada = new Writer(service, 'ada')
    for (const ear of [slow, feed]) ear.isFull = true
    for (let n = 0; n < 600; n += 1) await ada.flush({ action: 'delete', path: ['todos', 'x'] })
    for (const ear of [slow, feed]) {
      ear.clear()
      ear.drain()
    }
    const { from: commandCount, hash } = ada
    expect(slow.events).toEqual([{ event: 'heads', heads: { [KEY]: { commandCount, hash } } }])
    expect(feed.feed()).toEqual([{ kind: 'reset' }])
    await ada.add('next')
    expect(slow.all('updates')).toMatchObject([{ updates: [{ from: 600 }] }])
    expect(feed.feed()).toMatchObject([{ kind: 'reset' }, { kind: 'publish', id: 'next' }])
  })

  test('is told so also when the model has another past since', () => {
    const channel = new Channel(KEY, { bytes: 0 })
    const frames: Frame[] = []
    const listener = { isFull: true, write: (frame: Frame) => void frames.push(frame) }
    const reader: Reader = { listener, view: documentView, at: undefined }
    channel.readers.add(reader)
    channel.place(reader, { commandCount: 9, hash: 'old' })
    channel.jump({ commandCount: 4, hash: 'new' })
    listener.isFull = false
    channel.lead(reader)
    expect(frames.map(({ event }) => event)).toEqual([
      { event: 'heads', heads: { [KEY]: { commandCount: 4, hash: 'new' } } },
    ])
  })

  test('while it is coming is told later how far it is', async () => {
    const service = serve(new Clock())
    await new Writer(service, 'ada').add('a')
    const OTHER = 'todos:other'
    await new Writer(service, 'bob', { key: OTHER }).add('b')
    const elsewhere = { from: 0, hash: 'another' }
    const ear = Ear.begin(service, { models: { [KEY]: elsewhere, [OTHER]: elsewhere } })
    ear.isFull = true
    await ear.connection.started
    expect(ear.all('heads')).toHaveLength(1)
    ear.drain()
    expect(
      ear
        .all('heads')
        .flatMap(({ heads }) => Object.keys(heads))
        .toSorted(),
    ).toEqual([KEY, OTHER].toSorted())
  })

  test('is closed after 30 seconds; one that takes a little now and then is not', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const [deaf, slow] = [await Ear.open(service, { models }), await Ear.open(service, { models })]
    const ada = new Writer(service, 'ada')
    for (const ear of [deaf, slow]) ear.isFull = true
    for (let n = 0; n < 6; n += 1) {
      await ada.add(`n${n}`)
      await clock.pass(9000)
      slow.drip()
    }
    expect([deaf.isEnded, slow.isEnded]).toEqual([true, false])
    expect(service.usage.streams).toBe(1)
    // Nothing is kept for who is gone.
    slow.drain()
    await ada.add('last')
    expect(slow.all('updates').at(-1)).toMatchObject({ updates: [{ from: 6 }] })
  })

  test('hears at last what cannot wait, but not without end', async () => {
    const refused = new Set<string>()
    const service = serve(new Clock(), { authorize: (_user, _action, key) => !refused.has(key) })
    const keys = Array.from({ length: 400 }, (_, n) => `todos:${n}`)
    const all = Object.fromEntries(keys.map((key) => [key, null]))
    const ear = await Ear.open(service, { models: all }, { id: 'ada' })
    ear.isFull = true
    await new Writer(service, 'bob', { key: keys[0]! }).add('a')
    refused.add(keys[0]!)
    service.permissionsChanged()
    await settle()
    expect(ear.all('refused')).toHaveLength(1)
    const { bytes } = ear
    for (const key of keys) refused.add(key)
    service.permissionsChanged()
    await settle()
    expect(ear.isEnded).toBe(true)
    expect(ear.bytes - bytes).toBeLessThanOrEqual(20 * 1024)
  })

  test('of two models is told of both, however much happens to the first', async () => {
    const service = serve(new Clock())
    const OTHER = 'todos:other'
    const ear = await Ear.open(service, { models: { [KEY]: null, [OTHER]: null } })
    const [ada, bob] = [new Writer(service, 'ada'), new Writer(service, 'bob', { key: OTHER })]
    ear.isFull = true
    await ada.add('first')
    await bob.add('other')
    for (let n = 0; n < 5; n += 1) {
      await ada.add(`n${n}`)
      // It takes one thing and is full again.
      ear.drip()
    }
    expect(ear.all('updates').filter(({ key }) => key === OTHER)).toHaveLength(1)
  })
})

/** History of a model, by hand: one command in each entry, of about `bytes`. */
function createHistory(from: number, count: number, bytes: number): LogEntry[] {
  return Array.from({ length: count }, (_, n) => ({
    from: from + n,
    hash: `h${from + n + 1}`,
    clientId: 'ada',
    sequence: from + n + 1,
    userId: null,
    at: 0,
    salt: '',
    commands: [
      { action: 'update' as const, path: [], props: { text: 'x'.repeat(bytes) }, unset: [] },
    ] as unknown as LogEntry['commands'],
  }))
}

const pointAt = (count: number): Point => ({ commandCount: count, hash: `h${count}` })

function createReader(channel: Channel, at: Point | undefined) {
  const heard: Frame[] = []
  const listener = { isFull: false, write: (frame: Frame) => void heard.push(frame) }
  const reader: Reader = { listener, view: documentView, at: undefined }
  channel.readers.add(reader)
  if (at) channel.place(reader, at)
  const counts = () =>
    heard.map(({ event }) =>
      event.event === 'updates' ? event.updates.map(({ from }) => from) : event.event,
    )
  return { reader, listener, counts }
}

describe('what is kept for those who are behind', () => {
  test('is bounded, for each model and for all together', async () => {
    const rings = { bytes: 0 }
    const channels = Array.from({ length: 400 }, (_, n) => new Channel(`todos:${n}`, rings))
    let most = 0
    for (const channel of channels) {
      const { listener } = createReader(channel, pointAt(0))
      listener.isFull = true
      for (let from = 0; from < 20; from += 1) {
        const [entry] = createHistory(from, 1, 10_000)
        expect(channel.advance(pointAt(from), [entry!], pointAt(endOf(entry!)))).toBe(true)
        most = Math.max(most, rings.bytes)
      }
    }
    expect(most).toBeGreaterThan(16 * 1024 * 1024)
    expect(most).toBeLessThanOrEqual(33 * 1024 * 1024)
    for (const channel of channels) channel.close()
    expect(rings.bytes).toBe(0)
  })

  test('is nothing while nobody is behind, and given back when they are not any more', () => {
    const rings = { bytes: 0 }
    const channel = new Channel(KEY, rings)
    const [slow] = [createReader(channel, pointAt(0)), createReader(channel, pointAt(0))]
    channel.advance(pointAt(0), createHistory(0, 3, 100), pointAt(3))
    expect(rings.bytes).toBe(0)
    slow.listener.isFull = true
    channel.advance(pointAt(3), createHistory(3, 3, 100), pointAt(6))
    expect(rings.bytes).toBeGreaterThan(300)
    slow.listener.isFull = false
    channel.lead(slow.reader)
    expect(slow.counts()).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    expect(rings.bytes).toBe(0)
  })
})

describe('a reader that is placed', () => {
  test('in the middle of what is told at once hears the rest of it', () => {
    const channel = new Channel(KEY, { bytes: 0 })
    const first = createReader(channel, pointAt(0))
    // It knows more than this server does yet.
    const ahead = createReader(channel, pointAt(2))
    channel.advance(pointAt(0), createHistory(0, 5, 10), pointAt(5))
    expect(first.counts()).toEqual([[0, 1, 2, 3, 4]])
    expect(ahead.counts()).toEqual([[2, 3, 4]])
    channel.advance(pointAt(5), createHistory(5, 1, 10), pointAt(6))
    expect(ahead.counts()).toEqual([[2, 3, 4], [5]])
  })

  test('after it looked hears what came between, be it the first of all', () => {
    const channel = new Channel(KEY, { bytes: 0 })
    const { reader, counts } = createReader(channel, undefined)
    channel.advance(pointAt(3), createHistory(3, 2, 10), pointAt(5))
    channel.place(reader, pointAt(3))
    expect(counts()).toEqual([[3, 4]])
  })
})

describe('news that do not continue what was told', () => {
  test.each([
    ['begin later', pointAt(7), createHistory(7, 1, 10), pointAt(8)],
    ['end elsewhere', pointAt(5), createHistory(5, 1, 10), pointAt(9)],
    ['hold nothing', pointAt(5), [], pointAt(9)],
    [
      'are of another past',
      { commandCount: 5, hash: 'other' },
      createHistory(5, 1, 10),
      pointAt(6),
    ],
    ['were just loaded', undefined, [], pointAt(6)],
  ])('as they %s, are not believed', (_, base, entries, head) => {
    const channel = new Channel(KEY, { bytes: 0 })
    const { counts, reader } = createReader(channel, pointAt(5))
    expect(channel.advance(base, entries, head)).toBe(false)
    expect(channel.head).toEqual(pointAt(5))
    expect(counts()).toEqual([])
    channel.jump(head)
    expect(reader.at).toEqual(head)
  })
})
