import { CommandProxy } from '@flushout/core'
import { createTestIds, throughJson, World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command } from './support/arbitraries.ts'

function open() {
  const world = new World<Record<string, any>>({ list: { a: { n: 0 }, b: {} } })
  return { world, ada: world.join('ada'), bob: world.join('bob') }
}

const serials = (proxy: CommandProxy<any>) => proxy.memory.pending.map(({ serial }) => serial)

describe('a command that is withdrawn', () => {
  test('is taken back with all that builds on it, and told as dropped, nowhere else', async () => {
    const { world, ada } = open()
    const { proxy } = ada
    const kept = proxy.update(['list', 'a'], { n: 1 })
    const receipts = [
      proxy.create(['list'], { text: 'tea' }, { id: 'c' }),
      proxy.update(['list', 'c'], { done: true }),
      proxy.create(['list', 'c'], {}, { id: 'd' }),
      proxy.delete(['list', 'c', 'd']),
    ]
    const last = proxy.update(['list', 'b'], { n: 2 })
    const [, first] = serials(proxy)
    let told = 0
    proxy.subscribe(() => (told += 1))
    const withdrawn = proxy.withdraw([first!])
    expect(told).toBe(1)
    expect(withdrawn.map(({ action }) => action)).toEqual(['create', 'update', 'create', 'delete'])
    for (const { outcome, durable } of receipts) {
      expect(outcome).toMatchObject({ kind: 'dropped', rejection: { code: 'WITHDRAWN' } })
      expect(await durable).toBe(false)
    }
    expect(proxy.rejections).toEqual([])
    expect(proxy.status).toMatchObject({ queued: 2, rejected: 0 })
    expect(proxy.read()).toEqual({ list: { a: { n: 1 }, b: { n: 2 } } })
    ada.flush()
    expect(world.master.read()).toEqual(proxy.read())
    expect([kept.outcome?.kind, last.outcome?.kind]).toEqual(['applied', 'applied'])
  })

  test('takes along what needs the parent that it made', () => {
    const { ada } = open()
    const { proxy } = ada
    const parentDefault = { title: 'Later' }
    proxy.create(['later'], {}, { id: 'a', parentDefault })
    proxy.create(['later'], {}, { id: 'b' })
    expect(proxy.withdraw([1])).toHaveLength(2)
    expect(proxy.rejections).toEqual([])
    expect(proxy.read()).toEqual({ list: { a: { n: 0 }, b: {} } })
    proxy.create(['later'], {}, { id: 'a', parentDefault })
    proxy.create(['later'], {}, { id: 'b', parentDefault })
    expect(proxy.withdraw([3])).toHaveLength(1)
    expect(proxy.read(['later'])).toEqual({ ...parentDefault, b: {} })
  })

  test('is not in flight: what may have been sent stays, with what builds on it', () => {
    const { world, ada } = open()
    const { proxy } = ada
    proxy.create(['list'], { text: 'tea' }, { id: 'c' })
    const flush = proxy.beginFlush()!
    proxy.update(['list', 'c'], { done: true })
    proxy.create(['list', 'c'], {}, { id: 'd' })
    proxy.update(['list', 'c', 'd'], { n: 1 })
    expect(proxy.withdraw([1, 3, 99])).toHaveLength(2)
    expect(proxy.read(['list', 'c'])).toEqual({ text: 'tea', done: true })
    proxy.endFlush(ada.send(flush))
    ada.settle()
    expect(world.master.read(['list', 'c'])).toEqual({ text: 'tea', done: true })
    expect(proxy.withdraw([2])).toEqual([])
  })

  test('leaves everything else as if it had never been given, after any script', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 12 }),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        fc.nat(3),
        (script, marks, sent) => {
          const { world, ada } = open()
          const { proxy } = ada
          for (const one of script.slice(0, sent)) proxy.apply(one)
          const flush = proxy.beginFlush()
          for (const one of script.slice(sent)) proxy.apply(one)
          const before = proxy.memory.pending
          const taken = proxy.withdraw(
            before.filter((_, index) => marks[index]).map(({ serial }) => serial),
          )
          const left = throughJson(proxy.memory)
          expect(left.pending.length + taken.length).toBe(before.length)
          const inFlight = flush?.commands.length ?? 0
          expect(left.pending.slice(0, inFlight)).toEqual(throughJson(before.slice(0, inFlight)))
          // The same as a proxy that goes on with what is left.
          const other = new CommandProxy<Record<string, any>>(proxy.confirmedSnapshot() as never, {
            createId: createTestIds('other'),
            now: () => 0,
            memory: left,
          })
          expect(other.read()).toEqual(proxy.read())
          if (flush) proxy.endFlush(ada.send(flush))
          ada.settle()
          expect(world.master.read()).toEqual(proxy.read())
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 1_500) },
    )
  })
})
