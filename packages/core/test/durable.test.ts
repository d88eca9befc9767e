import { CommandProxy } from '@flushout/core'
import { createTestIds, World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

function open(options: object = { isPersisted: true }) {
  const world = new World<Record<string, any>>({ list: {} })
  return { world, ada: world.join('ada', options), bob: world.join('bob') }
}

/** What a promise has come to; undefined while it is open. */
async function peek<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, Promise.resolve(undefined)])
}

describe('whether a command outlives the page', () => {
  test('is told when it was stored, in order, whoever asks first', async () => {
    const { ada } = open()
    const [first, second, third] = [1, 2, 3].map((n) => ada.proxy.update(['list'], { n }))
    const asked = first!.durable
    expect(await peek(asked)).toBe(undefined)
    ada.proxy.persisted(2)
    expect(await Promise.all([asked, first!.durable, second!.durable])).toEqual([true, true, true])
    expect(await peek(third!.durable)).toBe(undefined)
    ada.proxy.persisted(3, false)
    ada.proxy.persisted(3, true)
    expect(await third!.durable).toBe(false)
  })

  test('is no where nobody stores anything, and where the command was refused', async () => {
    const { ada, bob } = open()
    expect(await bob.proxy.update(['list'], { n: 1 }).durable).toBe(false)
    expect(await ada.proxy.update(['gone'], { n: 1 }).durable).toBe(false)
    expect(await ada.proxy.apply(null as never).durable).toBe(false)
  })

  test('is yes when it was confirmed before it was stored, and no when it was lost', async () => {
    const { ada, bob } = open()
    const { id } = bob.proxy.create(['list'], {})
    bob.flush()
    ada.flush()
    const [kept, lost] = [
      ada.proxy.update(['list'], { n: 1 }),
      ada.proxy.update(['list', id], { n: 1 }),
    ]
    bob.proxy.delete(['list', id])
    bob.flush()
    ada.flush()
    expect(await Promise.all([kept.durable, lost.durable])).toEqual([true, false])
  })

  test('is yes for what comes from a memory, and asked anew for what is new', async () => {
    const { ada } = open()
    ada.proxy.update(['list'], { n: 1 })
    const again = new CommandProxy<Record<string, any>>(ada.proxy.confirmedSnapshot() as never, {
      createId: createTestIds('again'),
      now: () => 0,
      memory: ada.proxy.memory,
      isPersisted: true,
    })
    const receipt = again.update(['list'], { n: 2 })
    again.persisted(1)
    expect(await peek(receipt.durable)).toBe(undefined)
    again.persisted(2)
    expect(await receipt.durable).toBe(true)
  })
})
