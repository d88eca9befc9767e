import { CommandProxy, type Interceptor } from '@flushout/core'
import { createTestIds, throughJson, World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

const WAIT = { wait: true }

function open(options: object = {}) {
  const world = new World<Record<string, any>>({ list: { a: { n: 0 } } })
  return { world, ada: world.join('ada', options), bob: world.join('bob') }
}

describe('a command that waits', () => {
  test('shows when the master has confirmed it, and not before', () => {
    const { world, ada } = open()
    let told = 0
    ada.proxy.subscribe(() => (told += 1))
    const receipts = [
      ada.proxy.update(['list', 'a'], { n: 1 }, WAIT),
      ada.proxy.create(['list'], { n: 2 }, { id: 'b', ...WAIT }),
      ada.proxy.delete(['list', 'a'], WAIT),
      ada.proxy.apply({ action: 'update', path: [], props: { x: 1 } }, WAIT),
    ]
    expect(receipts.map(({ ok }) => ok)).toEqual([true, true, true, true])
    expect(ada.proxy.read()).toEqual({ list: { a: { n: 0 } } })
    expect(ada.proxy.status).toMatchObject({ queued: 4, confirmed: 0 })
    expect(ada.proxy.commandCount).toBe(0)
    const flush = ada.proxy.beginFlush()!
    expect(told).toBe(0)
    ada.proxy.endFlush(ada.send(flush))
    expect(told).toBe(1)
    expect(ada.proxy.read()).toEqual({ list: { b: { n: 2 } }, x: 1 })
    expect(ada.proxy.read()).toEqual(world.master.read())
    expect(receipts.map(({ outcome }) => outcome?.kind)).toEqual(Array(4).fill('applied'))
  })

  test('is refused on the spot where it could not apply, and by a rule', () => {
    const rule: Interceptor = (_document, { path = [] }) =>
      path.length === 0 ? { reject: { message: 'not here' } } : undefined
    const { ada } = open({ interceptors: [rule] })
    expect(ada.proxy.update(['gone'], { n: 1 }, WAIT).rejection?.code).toBe('PATH_NOT_FOUND')
    expect(ada.proxy.update([], { n: 1 }, WAIT).rejection?.code).toBe('REJECTED')
    expect(ada.proxy.status.queued).toBe(0)
  })

  test('is no ground for what would build on it', () => {
    const { ada } = open()
    ada.proxy.create(['list'], {}, { id: 'b', ...WAIT })
    expect(ada.proxy.update(['list', 'b'], { n: 1 }).ok).toBe(false)
    expect(ada.proxy.update(['list', 'a'], { n: 1 }).ok).toBe(true)
    ada.settle()
    expect(ada.proxy.read()).toEqual({ list: { a: { n: 1 }, b: {} } })
  })

  test('can be refused by the master, and never showed', () => {
    const { ada, bob } = open()
    const receipt = ada.proxy.update(['list', 'a'], { n: 1 }, WAIT)
    bob.proxy.delete(['list', 'a'])
    bob.flush()
    ada.flush()
    expect(receipt.outcome?.kind).toBe('dropped')
    expect(ada.proxy.rejections).toHaveLength(1)
  })

  test('shows when it is confirmed by news, before its answer', () => {
    const { world, ada } = open()
    const { from, hash } = ada.proxy.confirmed
    ada.proxy.update(['list', 'a'], { n: 1 }, WAIT)
    const answer = ada.send(ada.proxy.beginFlush()!)
    const news = throughJson(world.master.pull(from, hash))
    ada.proxy.receive(news)
    ada.proxy.endFlush(answer)
    expect(ada.proxy.read()).toEqual(world.master.read())
  })

  test('waits on where it is taken out of a memory, in its batch or out of it', () => {
    const { world, ada } = open()
    expect(() =>
      ada.proxy.batch(() => {
        ada.proxy.update(['list'], { gone: true }, WAIT)
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(ada.proxy.commandCount).toBe(0)
    ada.proxy.update(['list', 'a'], { n: 1 }, WAIT)
    const again = new CommandProxy<Record<string, any>>(ada.proxy.confirmedSnapshot() as never, {
      createId: createTestIds('again'),
      now: () => 0,
      memory: throughJson(ada.proxy.memory),
    })
    expect(again.read()).toEqual({ list: { a: { n: 0 } } })
    again.endFlush(ada.send(again.beginFlush()!))
    expect(again.read()).toEqual(world.master.read())
    expect(again.read()).toEqual({ list: { a: { n: 1 } } })
  })
})
