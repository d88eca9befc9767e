import { type JsonObject } from '@flushout/core'
import { World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { measureJson } from '../src/json.ts'

describe('a command', () => {
  test('larger than a flush may be is refused on the spot', () => {
    const { proxy } = new World<JsonObject>({}, { proxy: { maxFlushBytes: 500 } }).join('ada')
    expect(proxy.update([], { text: 'x'.repeat(600) }).rejection).toMatchObject({
      code: 'COMMAND_TOO_LARGE',
    })
    expect(proxy.create(['x'.repeat(600)]).rejection).toMatchObject({ code: 'COMMAND_TOO_LARGE' })
    expect(proxy.read()).toEqual({})
    expect(proxy.status.queued).toBe(0)
    expect(proxy.update([], { text: 'x'.repeat(300) }).ok).toBe(true)
  })

  test('that would make the document too large is rejected by the master, smaller ones and deletes go on', () => {
    const world = new World<Record<string, any>>(
      { a: { text: 'x'.repeat(500) } },
      { master: { maxDocumentBytes: 1_000 } },
    )
    const ada = world.join('ada')
    const tooLarge = ada.proxy.update([], { b: 'x'.repeat(600) })
    const small = ada.proxy.update([], { c: 1 })
    const create = ada.proxy.create(['d'], { text: 'x'.repeat(600) }, { parentDefault: {} })
    const removal = ada.proxy.delete(['a'])
    const fits = ada.proxy.update([], { b: 'x'.repeat(600) })
    ada.settle()
    expect([tooLarge, small, create, removal, fits].map(({ outcome }) => outcome!.kind)).toEqual([
      'rejected',
      'applied',
      'rejected',
      'applied',
      'applied',
    ])
    expect(tooLarge.outcome).toMatchObject({ rejection: { code: 'DOCUMENT_TOO_LARGE', at: [] } })
    expect(Object.keys(world.master.snapshot().document)).toEqual(['c', 'b'])
    expect(world.master.documentBytes).toBe(measureJson(world.master.snapshot().document))
  })
})

describe('a flush', () => {
  test('holds so many commands at most; the others wait for the next, in order', () => {
    const world = new World<JsonObject>({}, { proxy: { maxFlushCommands: 3 } })
    const ada = world.join('ada')
    for (let n = 0; n < 8; n += 1) ada.proxy.update([], { [`k${n}`]: n })
    const sizes: number[] = []
    for (let flush = ada.proxy.beginFlush(); flush; flush = ada.proxy.beginFlush()) {
      sizes.push(flush.commands.length)
      expect(flush.sequence).toBe(sizes.length)
      expect(ada.proxy.endFlush(ada.send(flush)).ok).toBe(true)
    }
    expect(sizes).toEqual([3, 3, 2])
    expect(Object.keys(world.master.snapshot().document)).toEqual([
      'k0',
      'k1',
      'k2',
      'k3',
      'k4',
      'k5',
      'k6',
      'k7',
    ])
  })

  test('holds so many characters at most, and always at least one command', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 900 }), { minLength: 1, maxLength: 20 }), (lengths) => {
        const world = new World<JsonObject>({}, { proxy: { maxFlushBytes: 1_000 } })
        const ada = world.join('ada')
        const accepted = lengths.filter(
          (length, index) => ada.proxy.update([], { [`k${index}`]: 'x'.repeat(length) }).ok,
        )
        let sent = 0
        for (let flush = ada.proxy.beginFlush(); flush; flush = ada.proxy.beginFlush()) {
          expect(flush.commands.length).toBeGreaterThan(0)
          expect(JSON.stringify(flush.commands).length).toBeLessThanOrEqual(1_100)
          sent += flush.commands.length
          ada.proxy.endFlush(ada.send(flush))
        }
        expect(sent).toBe(accepted.length)
        expect(ada.proxy.read()).toEqual(world.master.snapshot().document)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the history in memory', () => {
  test('stays within its bytes, and its floor moves up', () => {
    const world = new World<JsonObject>({}, { master: { maxHistoryBytes: 2_000 } })
    const ada = world.join('ada')
    for (let n = 0; n < 200; n += 1) {
      ada.proxy.update([], { text: 'x'.repeat(n % 50), n })
      ada.flush()
      expect(world.master.historyBytes).toBeLessThanOrEqual(2_000)
    }
    expect(world.master.floor).toBeGreaterThan(150)
    expect(world.master.floor).toBeLessThan(world.master.commandCount)
    expect(world.join('bob').proxy.read()).toEqual(ada.proxy.read())
  })

  test('still tells a history of another hash where it begins now', () => {
    const { master } = new World<JsonObject>(
      { large: 'x'.repeat(5_000) },
      { master: { maxHistoryBytes: 2_000 } },
    )
    const hashes = [master.hash]
    for (let n = 1; n <= 60; n += 1) {
      const commands = [{ action: 'update', props: { n } }] as const
      master.apply(
        { protocol: 1, clientId: 'ada', sequence: n, from: 0, hash: '', commands },
        { user: undefined, now: 0, seed: '' },
      )
      hashes.push(master.hash)
    }
    expect(master.floor).toBeGreaterThan(30)
    expect(master.pull(master.floor, hashes[master.floor]!).sync.kind).toBe('updates')
    expect(() => master.pull(master.floor, 'other')).toThrow(
      expect.objectContaining({ code: 'HISTORY_CHANGED' }),
    )
    expect(master.pull(master.floor - 1, 'nobody can tell any more').sync.kind).toBe('snapshot')
  })
})
