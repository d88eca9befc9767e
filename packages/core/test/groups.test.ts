import { FlushoutError, type EntryNote, type Flush } from '@flushout/core'
import { createTestIds, throughJson, World } from '@flushout/core/testing'
import { UndoStack } from '@flushout/core/undo'
import { CommandProxy } from '@flushout/core'
import { describe, expect, test } from 'vitest'

function open(document: object = {}) {
  const world = new World<Record<string, any>>(document as Record<string, any>)
  const ada = world.join('ada')
  return { world, ada, proxy: ada.proxy }
}

/** The notes of the last entry of the history. */
function notesOf({ master }: World<any>): readonly EntryNote[] | undefined {
  const { commandCount } = master
  for (let from = commandCount - 1; ; from -= 1) {
    const hash = master.hashAt(from)
    if (hash) return master.since({ from, hash })!.at(-1)!.notes
  }
}

describe('a label', () => {
  test('of a batch goes with all its commands, and ends in the history once', () => {
    const { world, ada, proxy } = open({ a: {}, b: {} })
    proxy.update(['a'], { n: 1 })
    proxy.batch(
      () => {
        proxy.update(['a'], { n: 2 })
        proxy.update(['b'], { n: 2 })
      },
      { label: 'Count on' },
    )
    proxy.update(['b'], { n: 3 })
    expect(ada.proxy.beginFlush()!.groups).toEqual([{ at: 1, count: 2, label: 'Count on' }])
    proxy.cancelFlush()
    ada.flush()
    expect(notesOf(world)).toEqual([{ index: 1, count: 2, label: 'Count on' }])
  })

  test('of one command is given with it', () => {
    const { world, ada, proxy } = open({ a: {} })
    proxy.update(['a'], { n: 1 }, { label: 'Once' })
    proxy.update(['a'], { n: 2 }, { label: 'Twice' })
    expect(proxy.beginFlush()!.groups).toEqual([
      { at: 0, count: 1, label: 'Once' },
      { at: 1, count: 1, label: 'Twice' },
    ])
    proxy.cancelFlush()
    ada.flush()
    expect(notesOf(world)).toEqual([
      { index: 0, label: 'Once' },
      { index: 1, label: 'Twice' },
    ])
  })

  test('of the outer batch counts; one inside a batch without any is its own', () => {
    const { proxy } = open({ a: {} })
    proxy.batch(() => proxy.batch(() => proxy.update(['a'], { n: 1 }), { label: 'inner' }), {
      label: 'outer',
    })
    proxy.batch(() => {
      proxy.update(['a'], { n: 2 })
      proxy.batch(() => proxy.update(['a'], { n: 3 }), { label: 'inner' })
    })
    expect(proxy.beginFlush()!.groups).toEqual([
      { at: 0, count: 1, label: 'outer' },
      { at: 2, count: 1, label: 'inner' },
    ])
  })

  test('is cut where it is too long, and says the same on both sides', () => {
    const { proxy } = open({ a: {} })
    proxy.update(['a'], { n: 1 }, { label: `${'x'.repeat(199)}🙂` })
    const [group] = proxy.beginFlush()!.groups!
    expect(group!.label).toBe(`${'x'.repeat(199)}\uFFFD`)
  })

  test('of a step to undo is that of its batch', () => {
    const { proxy } = open({ a: {} })
    new UndoStack(proxy).step('Count', () => proxy.update(['a'], { n: 1 }))
    expect(proxy.beginFlush()!.groups).toEqual([{ at: 0, count: 1, label: 'Count' }])
  })

  test('is not told of what was refused', () => {
    const { world, ada, proxy } = open({ a: {}, b: {} })
    const bob = world.join('bob')
    proxy.batch(
      () => {
        proxy.update(['a'], { n: 1 })
        proxy.update(['b'], { n: 1 })
      },
      { label: 'Both' },
    )
    proxy.update(['a'], { n: 2 }, { label: 'A' })
    bob.proxy.delete(['a'])
    bob.flush()
    ada.flush()
    expect(notesOf(world)).toEqual([{ index: 0, label: 'Both' }])
  })

  test('outlives the page', () => {
    const { world, proxy } = open({ a: {} })
    proxy.batch(
      () => {
        proxy.update(['a'], { n: 1 })
        proxy.update(['a'], { n: 2 })
      },
      { label: 'Count' },
    )
    const memory = throughJson(proxy.memory)
    const restored = new CommandProxy(world.master.snapshot(), {
      createId: createTestIds('again'),
      now: () => 0,
      memory,
    })
    expect(restored.memory.pending).toEqual(memory.pending)
    expect(restored.beginFlush()!.groups).toEqual([{ at: 0, count: 2, label: 'Count' }])
  })

  test('makes another flush of the same commands: it is not taken for a repeated one', () => {
    const { world, ada, proxy } = open({ a: {} })
    proxy.update(['a'], { n: 1 }, { label: 'Once' })
    const flush = proxy.beginFlush()!
    ada.send(flush)
    const other = { ...flush, groups: [{ at: 0, count: 1, label: 'Other' }] }
    expect(() => ada.send(other)).toThrow('Flush 1 was another flush before.')
    expect(ada.send(flush).outcome).toBe('repeated')
    expect(world.master.commandCount).toBe(1)
  })

  test.each([
    [[{ at: 1, count: 1 }]],
    [[{ at: 0, count: 0 }]],
    [[{ at: 0, count: 1, label: 'x'.repeat(201) }]],
    [
      [
        { at: 0, count: 1 },
        { at: 0, count: 1 },
      ],
    ],
  ])('is refused with the flush where groups are no ranges: %j', (groups) => {
    const { ada, proxy } = open({ a: {} })
    proxy.update(['a'], { n: 1 })
    const flush: Flush = { ...proxy.beginFlush()!, groups }
    expect(() => ada.send(flush)).toThrow(FlushoutError)
  })
})
