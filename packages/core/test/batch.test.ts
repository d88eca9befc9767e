import { World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

function open(document: object = {}) {
  const world = new World<Record<string, any>>(document as Record<string, any>)
  const ada = world.join('ada')
  return { world, ada, proxy: ada.proxy }
}

describe('a batch', () => {
  test('notifies once, after all of it, and gives what it returns', () => {
    const { proxy } = open({ a: {}, b: {} })
    const seen: unknown[] = []
    let statusCalls = 0
    proxy.subscribe(() => seen.push(proxy.read()))
    proxy.subscribeStatus(() => (statusCalls += 1))
    const result = proxy.batch(() => {
      proxy.update(['a'], { n: 1 })
      proxy.update(['b'], { n: 2 })
      expect(proxy.read()).toEqual({ a: { n: 1 }, b: { n: 2 } })
      expect(proxy.status.queued).toBe(2)
      return 'done'
    })
    expect(result).toBe('done')
    expect(seen).toEqual([{ a: { n: 1 }, b: { n: 2 } }])
    expect(statusCalls).toBe(1)
  })

  test('that throws is taken back, with order and identities, and what it threw is thrown on', () => {
    const { proxy } = open({ a: { n: 0 }, b: {}, c: {} })
    const before = proxy.read()
    const kept = proxy.update(['b'], { kept: true })
    const after = proxy.read()
    const receipts: unknown[] = []
    const error = new RangeError('no')
    const run = () =>
      proxy.batch(() => {
        receipts.push(
          proxy.update(['a'], { n: 1 }),
          proxy.delete(['b']),
          proxy.create([], {}, { id: 'd' }),
        )
        throw error
      })
    expect(run).toThrow(error)
    expect(proxy.read()).toBe(after)
    expect(before).not.toBe(after)
    expect(proxy.keys()).toEqual(['a', 'b', 'c'])
    expect(proxy.commandCount).toBe(1)
    expect(proxy.beginFlush()!.commands).toHaveLength(1)
    expect(kept.outcome).toBeUndefined()
    for (const receipt of receipts) {
      expect(receipt).toMatchObject({
        outcome: { kind: 'dropped', rejection: { code: 'BATCH_REJECTED' } },
      })
    }
    expect(proxy.rejections).toEqual([])
  })

  test('inside a batch belongs to it: listeners wait for the outer one', () => {
    const { proxy } = open()
    let calls = 0
    proxy.subscribe(() => (calls += 1))
    proxy.batch(() => {
      proxy.update([], { a: 1 })
      proxy.batch(() => proxy.update([], { b: 1 }))
      expect(calls).toBe(0)
      expect(() =>
        proxy.batch(() => {
          proxy.update([], { c: 1 })
          throw new Error('inner')
        }),
      ).toThrow('inner')
      expect(proxy.read()).toEqual({ a: 1, b: 1 })
    })
    expect(calls).toBe(1)
    expect(proxy.read()).toEqual({ a: 1, b: 1 })
  })

  test('goes on after a refused command, which is in its receipt', () => {
    const { proxy } = open({ a: {} })
    const [refused, applied] = proxy.batch(() => [
      proxy.update(['gone'], {}),
      proxy.update(['a'], { n: 1 }),
    ])
    expect(refused.ok).toBe(false)
    expect(applied.ok).toBe(true)
    expect(proxy.read()).toEqual({ a: { n: 1 } })
  })

  test('that begins a flush and then throws leaves what is in flight', () => {
    const { world, ada, proxy } = open()
    const run = () =>
      proxy.batch(() => {
        proxy.update([], { sent: 1 })
        proxy.beginFlush()
        proxy.update([], { lost: 1 })
        throw new Error('no')
      })
    expect(run).toThrow('no')
    expect(proxy.read()).toEqual({ sent: 1 })
    expect(proxy.status).toMatchObject({ queued: 0, inFlight: 1 })
    proxy.cancelFlush()
    ada.settle()
    expect(world.master.snapshot().document).toEqual({ sent: 1 })
  })

  test('that ends a flush and then throws takes back its own commands alone', () => {
    const { world, ada, proxy } = open()
    proxy.update([], { first: 1 })
    const answer = ada.send(proxy.beginFlush()!)
    proxy.update([], { second: 1 })
    const run = () =>
      proxy.batch(() => {
        proxy.update([], { lost: 1 })
        proxy.endFlush(answer)
        throw new Error('no')
      })
    expect(run).toThrow('no')
    expect(proxy.read()).toEqual({ first: 1, second: 1 })
    expect(proxy.status).toMatchObject({ queued: 1, inFlight: 0, confirmed: 1 })
    ada.settle()
    expect(world.master.snapshot().document).toEqual({ first: 1, second: 1 })
  })
})
