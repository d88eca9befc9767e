// The behaviours of the original library that its users rely on, in the words of
// this one. The number names the behaviour; where this library decided otherwise,
// the title says so.
import { CommandProxy, type Command } from '@flushout/core'
import { createTestIds, World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'
import { masterAt, context, flushOf, pair } from './support/original.ts'

/** A proxy with this document at this count, and nobody else. */
function alone(document: object = {}, commandCount = 0) {
  return new CommandProxy<Record<string, any>>(
    { commandCount, hash: 'genesis', document: document as Record<string, any> },
    { createId: createTestIds('id'), now: () => 0 },
  )
}

describe('creating', () => {
  test('R1: a create without props puts an empty object, counts one and gives its id', () => {
    const proxy = alone()
    const receipt = proxy.apply({ action: 'create' })
    expect(typeof receipt.id).toBe('string')
    expect(proxy.read()).toEqual({ [receipt.id]: {} })
    expect(proxy.commandCount).toBe(1)
  })

  test('R2: a create stores a deep copy of its props', () => {
    const proxy = alone()
    const props = { tags: ['x'], owner: { name: 'Ada' } }
    const { id } = proxy.create([], props)
    props.tags.push('y')
    props.owner.name = 'Eve'
    expect(proxy.read([id])).toEqual({ tags: ['x'], owner: { name: 'Ada' } })
  })

  test('R3: a proposed id is used if it is free', () => {
    const proxy = alone()
    expect(proxy.create([], { a: 1 }, { id: 'mine' }).id).toBe('mine')
    expect(proxy.read()).toEqual({ mine: { a: 1 } })
  })

  test('R4: a taken proposed id gives another id and leaves the old node untouched', () => {
    const proxy = alone({ mine: { a: 1 } })
    const receipt = proxy.create([], { a: 2 }, { id: 'mine' })
    expect(receipt.ok).toBe(true)
    expect(receipt.id).not.toBe('mine')
    expect(proxy.read()).toEqual({ mine: { a: 1 }, [receipt.id]: { a: 2 } })
    expect(proxy.commandCount).toBe(1)
  })

  test('R12: parentDefault makes the missing parent in one count, on the master too', () => {
    const world = new World<Record<string, any>>({})
    const ada = world.join('ada')
    const first = ada.proxy.create(['lists'], { n: 1 }, { parentDefault: { title: 'Lists' } })
    expect(ada.proxy.commandCount).toBe(1)
    const second = ada.proxy.create(['lists'], { n: 2 }, { parentDefault: { title: 'Other' } })
    const expected = { lists: { title: 'Lists', [first.id]: { n: 1 }, [second.id]: { n: 2 } } }
    expect(ada.proxy.read()).toEqual(expected)
    ada.settle()
    expect(world.master.snapshot()).toMatchObject({ commandCount: 2, document: expected })
  })

  test('R13: parentDefault makes one level only', () => {
    const proxy = alone()
    const receipt = proxy.create(['a', 'b'], {}, { parentDefault: {} })
    expect(receipt.rejection).toMatchObject({ code: 'PATH_NOT_FOUND', at: ['a'] })
    expect(proxy.read()).toEqual({})
  })

  test('R14: a path left out or empty is the document', () => {
    const proxy = alone()
    proxy.apply({ action: 'create', id: 'a' })
    proxy.apply({ action: 'create', path: [], id: 'b' })
    proxy.apply({ action: 'update', props: { c: 1 } })
    proxy.apply({ action: 'update', path: [], props: { d: 2 } })
    expect(proxy.read()).toEqual({ a: {}, b: {}, c: 1, d: 2 })
  })

  test('R15, decided otherwise: ids are made by the client and unique; sequential ones are for tests', () => {
    const proxy = alone({}, 1)
    const [first, second] = [proxy.create([]), proxy.create([], {}, { id: 'id-2' })]
    // `id-1` went to the proxy itself, as its client id.
    expect(first.id).toBe('id-2')
    // Taken, so the next one of the source, however the count stands.
    expect(second.id).toBe('id-3')
  })
})

describe('updating and deleting', () => {
  test('R5: an update sets and adds keys of one node and leaves its other keys', () => {
    const proxy = alone({ a: { x: 1, y: { z: 1 } }, b: { x: 1 } })
    proxy.update(['a'], { x: 2, w: 3 })
    expect(proxy.read()).toEqual({ a: { x: 2, y: { z: 1 }, w: 3 }, b: { x: 1 } })
    proxy.update(['a'], { y: { q: 1 } })
    expect(proxy.read(['a', 'y'])).toEqual({ q: 1 })
  })

  test('R6: an update without props succeeds and counts', () => {
    const proxy = alone({ a: {} })
    expect(proxy.apply({ action: 'update', path: ['a'] }).ok).toBe(true)
    expect(proxy.commandCount).toBe(1)
    expect(proxy.read()).toEqual({ a: {} })
  })

  test('R7: a delete removes the key and counts', () => {
    const proxy = alone({ a: {}, b: {} })
    proxy.delete(['a'])
    expect(proxy.read()).toEqual({ b: {} })
    expect(proxy.commandCount).toBe(1)
  })

  test('R8: deleting the only branch leaves its parent empty', () => {
    const proxy = alone({ a: { b: { c: { d: 1 } } } })
    proxy.delete(['a', 'b'])
    expect(proxy.read()).toEqual({ a: {} })
  })

  test('R9: a delete can remove a value', () => {
    const proxy = alone({ a: { x: 1, y: 2 } })
    proxy.delete(['a', 'x'])
    expect(proxy.read()).toEqual({ a: { y: 2 } })
  })

  test('R10: deleting what is not there succeeds and counts, if its parent is', () => {
    const proxy = alone({ a: {} })
    expect(proxy.delete(['a', 'gone']).ok).toBe(true)
    expect(proxy.commandCount).toBe(1)
    expect(proxy.read()).toEqual({ a: {} })
  })

  test('R11: every command under a missing parent fails and does not count', () => {
    const proxy = alone({ a: {} })
    const commands: Command[] = [
      { action: 'create', path: ['a', 'b'] },
      { action: 'update', path: ['a', 'b'], props: { x: 1 } },
      { action: 'delete', path: ['a', 'b', 'c'] },
    ]
    for (const command of commands) {
      expect(proxy.apply(command).rejection).toMatchObject({
        code: 'PATH_NOT_FOUND',
        at: ['a', 'b'],
      })
    }
    expect(proxy.commandCount).toBe(0)
    expect(proxy.read()).toEqual({ a: {} })
  })
})

describe('a flush', () => {
  test('R16: starts from the count of the snapshot', () => {
    const proxy = alone({}, 23)
    proxy.update([], { a: 1 })
    expect(proxy.beginFlush()).toMatchObject({ from: 23 })
  })

  test('R17: carries the commands in order, creates with the id that was made for them', () => {
    const proxy = alone({ a: {} })
    const { id } = proxy.create(['a'], { n: 1 })
    proxy.update(['a', id], { n: 2 })
    proxy.delete(['a', id])
    expect(proxy.beginFlush()!.commands).toEqual([
      { action: 'create', path: ['a'], id, props: { n: 1 } },
      { action: 'update', path: ['a', id], props: { n: 2 } },
      { action: 'delete', path: ['a', id] },
    ])
  })

  test('R18: does not carry commands that failed here', () => {
    const proxy = alone()
    proxy.update(['gone'], { n: 1 })
    proxy.update([], { n: 2 })
    expect(proxy.beginFlush()!.commands).toEqual([{ action: 'update', path: [], props: { n: 2 } }])
  })

  test('R19, decided otherwise: with nothing queued there is no flush; to ask for news gives an empty one', () => {
    const proxy = alone({}, 23)
    expect(proxy.beginFlush()).toBeUndefined()
    expect(proxy.beginFlush({ pull: true })).toMatchObject({ from: 23, commands: [] })
  })

  test('R20: after its end the next one starts from the new count and carries only what is new', () => {
    const master = masterAt(23)
    const proxy = new CommandProxy(master.snapshot(), {
      createId: createTestIds('id'),
      now: () => 0,
    })
    proxy.update([], { a: 1 })
    proxy.endFlush(master.apply(proxy.beginFlush()!, context))
    proxy.update([], { b: 1 })
    const flush = proxy.beginFlush()!
    expect(flush.from).toBe(24)
    expect(flush.commands).toEqual([{ action: 'update', path: [], props: { b: 1 } }])
  })

  test('R21: a snapshot in its answer replaces document and count', () => {
    const proxy = alone({ old: 1 }, 23)
    const flush = proxy.beginFlush({ pull: true })!
    const answer = masterAt(55, { fresh: 1 }).apply({ ...flush, hash: '' }, context)
    expect(answer.sync.kind).toBe('snapshot')
    expect(proxy.endFlush(answer).ok).toBe(true)
    expect(proxy.read()).toEqual({ fresh: 1 })
    expect(proxy.commandCount).toBe(55)
  })

  test('R22: a create given meanwhile goes on top of the snapshot under the same id', () => {
    const proxy = alone({}, 23)
    const flush = proxy.beginFlush({ pull: true })!
    const { id } = proxy.create([], { mine: true })
    proxy.endFlush(masterAt(55, { fresh: 1 }).apply({ ...flush, hash: '' }, context))
    expect(proxy.commandCount).toBe(56)
    expect(proxy.read()).toEqual({ fresh: 1, [id]: { mine: true } })
  })

  test('R23: updates in its answer are applied from the confirmed count on', () => {
    const { ada, bob } = pair(23)
    bob.proxy.create([], { text: 'Milk' }, { id: '5345' })
    bob.flush()
    ada.flush()
    expect(ada.proxy.commandCount).toBe(24)
    expect(ada.proxy.read(['5345'])).toEqual({ text: 'Milk' })
  })

  test('R24: updates below a queued command rename nothing if nothing collides', () => {
    const { ada, bob } = pair(23)
    bob.proxy.create([], {}, { id: 'bobs' })
    bob.flush()
    ada.proxy.create([], {}, { id: 'adas' })
    expect(ada.flush()).toEqual({ ok: true, remaps: [] })
    expect(ada.proxy.commandCount).toBe(25)
  })

  test('R25: a queued create that collides with one of the updates is renamed, and both exist', () => {
    const { ada, bob } = pair(0)
    bob.proxy.create([], { by: 'bob' }, { id: 'same' })
    bob.flush()
    const flush = ada.proxy.beginFlush({ pull: true })!
    const receipt = ada.proxy.create([], { by: 'ada' }, { id: 'same' })
    const result = ada.proxy.endFlush(ada.send(flush))
    expect(receipt.id).not.toBe('same')
    expect(result).toEqual({ ok: true, remaps: [{ from: ['same'], to: [receipt.id] }] })
    expect(ada.proxy.read()).toEqual({ same: { by: 'bob' }, [receipt.id]: { by: 'ada' } })
  })

  test('R26, decided otherwise: a cancelled flush comes again unchanged, newer commands in the next', () => {
    const { ada } = pair(23)
    ada.proxy.update([], { a: 1 })
    const flush = ada.proxy.beginFlush()!
    ada.proxy.cancelFlush()
    ada.proxy.update([], { b: 1 })
    expect(ada.proxy.beginFlush()).toBe(flush)
    ada.proxy.endFlush(ada.send(flush))
    expect(ada.proxy.beginFlush()).toMatchObject({ from: 24, commands: [{ props: { b: 1 } }] })
  })

  test('R27: a second one cannot begin while one is in progress', () => {
    const proxy = alone()
    proxy.update([], { a: 1 })
    proxy.beginFlush()
    expect(() => proxy.beginFlush()).toThrow(expect.objectContaining({ code: 'FLUSH_IN_PROGRESS' }))
  })

  test('R28: an end without a flush is said, not thrown', () => {
    const proxy = alone()
    expect(proxy.endFlush(masterAt(0).apply(flushOf([]), context))).toEqual({
      ok: false,
      code: 'NO_FLUSH',
    })
  })
})
