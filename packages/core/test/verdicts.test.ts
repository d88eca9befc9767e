import { CommandProxy, type Interceptor, type SettledCommand } from '@flushout/core'
import { createTestIds, throughJson, World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

/** A rule of the master: no spirits, and a stamp on every create. */
const rule: Interceptor = (_document, command) => {
  if (command.action === 'delete') return undefined
  if (command.props?.['text'] === 'gin') return { reject: { code: 'NO_SPIRITS', message: 'No.' } }
  return command.action === 'create' ? { props: { ...command.props, by: 'ada' } } : undefined
}

function open() {
  const world = new World<Record<string, any>>(
    { list: { a: {}, b: {} } },
    { master: { interceptors: [rule] } },
  )
  const told: SettledCommand[] = []
  const ada = world.join('ada', { onVerdict: (settled) => told.push(settled) })
  return { world, told, ada, bob: world.join('bob') }
}

const kinds = (told: readonly SettledCommand[]) =>
  told.map(({ path, outcome }) => `${path.join('/')} ${outcome.kind}`)

describe('whoever listens for verdicts', () => {
  test('hears what became of each command once, refusals on the spot included', async () => {
    const { ada, bob, told } = open()
    ada.proxy.update(['list', 'a'], { n: 1 })
    ada.proxy.create(['list'], { text: 'tea' }, { id: 'c' })
    ada.proxy.create(['list'], { text: 'gin' }, { id: 'd' })
    ada.proxy.update(['list', 'b'], { n: 1 })
    ada.proxy.update(['list', 'gone'], {})
    ada.proxy.apply({ action: 'update', path: ['list'], props: { x: Number.NaN } })
    await Promise.resolve()
    expect(kinds(told.splice(0))).toEqual(['list/gone rejected', 'list/x rejected'])
    bob.proxy.delete(['list', 'b'])
    bob.proxy.create(['list'], {}, { id: 'c' })
    bob.flush()
    ada.settle()
    await Promise.resolve()
    expect(kinds(told)).toEqual([
      'list/a applied',
      'list/c amended',
      'list/d rejected',
      'list/b dropped',
    ])
    expect(told.map(({ command }) => command)).toMatchObject([
      { action: 'update', props: { n: 1 } },
      { action: 'create', props: { text: 'tea' } },
      { action: 'create', props: { text: 'gin' } },
      { action: 'update' },
    ])
    expect(told[1]!.command).not.toHaveProperty('props.by')
    ada.settle()
    await Promise.resolve()
    expect(told).toHaveLength(4)
  })

  test('can read what the document is by then, and change it', async () => {
    const { world, ada, bob } = open()
    const seen: unknown[] = []
    const again = world.join('again', {
      onVerdict({ path, outcome }) {
        seen.push([outcome.kind, again.proxy.read(path)])
        if (outcome.kind === 'dropped') again.proxy.create(['list'], { n: 2 }, { id: 'b' })
      },
    })
    again.proxy.update(['list', 'b'], { n: 1 })
    again.proxy.update(['list', 'a'], { n: 1 })
    bob.proxy.delete(['list', 'b'])
    bob.flush()
    again.flush()
    await Promise.resolve()
    expect(seen).toEqual([
      ['dropped', undefined],
      ['applied', { n: 1 }],
    ])
    again.settle()
    ada.settle()
    expect(ada.proxy.read()).toEqual({ list: { a: { n: 1 }, b: { n: 2, by: 'ada' } } })
  })

  test('hears of what an earlier page gave, and of a batch that was taken back', async () => {
    const { world, ada } = open()
    ada.proxy.update(['list', 'a'], { n: 1 })
    const memory = throughJson(ada.proxy.memory)
    const told: SettledCommand[] = []
    const again = new CommandProxy<Record<string, any>>(ada.proxy.confirmedSnapshot() as never, {
      createId: createTestIds('again'),
      now: () => 0,
      memory,
      onVerdict: (settled) => told.push(settled),
    })
    const act = () => {
      again.update(['list', 'b'], { n: 2 })
      throw new Error('no')
    }
    expect(() => again.batch(act)).toThrow('no')
    again.endFlush(ada.send(again.beginFlush()!))
    await Promise.resolve()
    expect(kinds(told)).toEqual(['list/b dropped', 'list/a applied'])
    expect(world.master.read(['list', 'a'])).toEqual({ n: 1 })
  })
})

test('an entry of `rejections` tells the command as given, its node, when, and that it waited', () => {
  const { world, bob } = open()
  const stamp: Interceptor = (_document, command) =>
    command.action === 'update' ? { props: { ...command.props, stamped: true } } : undefined
  const eve = world.join('eve', { interceptors: [stamp] })
  world.now = 2_000_000
  eve.proxy.update(['list', 'b'], { n: 1 }, { wait: true })
  eve.proxy.create(['list'], { text: 'gin' }, { id: 'd' })
  bob.proxy.delete(['list', 'b'])
  bob.flush()
  eve.flush()
  expect(eve.proxy.rejections).toMatchObject([
    {
      command: { action: 'update', path: ['list', 'b'], props: { n: 1 } },
      path: ['list', 'b'],
      at: 2_000_000,
      wait: true,
      kind: 'dropped',
    },
    { path: ['list', 'd'], at: 2_000_000, kind: 'rejected', rejection: { code: 'NO_SPIRITS' } },
  ])
  expect(eve.proxy.rejections[0]!.command).not.toHaveProperty('props.stamped')
  expect(eve.proxy.rejections[1]).not.toHaveProperty('wait')
})

test('after a command that may have taken effect nonetheless the whole document is asked for', () => {
  const { world, ada } = open()
  ada.proxy.create(['list'], { text: 'tea' }, { id: 'c' })
  ada.send(ada.proxy.beginFlush()!)
  ada.proxy.cancelFlush()
  ada.proxy.beginFlush()
  ada.proxy.failFlush({ code: 'FORBIDDEN', message: 'No more.', retry: 'never' })
  expect(ada.proxy.rejections).toMatchObject([{ kind: 'dropped', path: ['list', 'c'] }])
  expect(ada.proxy.confirmed.hash).toBe('')
  ada.flush()
  expect(ada.proxy.read()).toEqual(world.master.read())
  expect(ada.proxy.read(['list', 'c'])).toEqual({ text: 'tea', by: 'ada' })
})
