import { CommandProxy, type Command, type PendingSession } from '@flushout/core'
import { createTestIds, throughJson, World, type Peer } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'
import { wide } from './support/arbitraries.ts'

// Large enough that updates are shorter than a snapshot.
const LONG = { bulk: wide(300), list: {} }

function open() {
  const world = new World<Record<string, any>>(LONG)
  return { world, ada: world.join('ada'), tab: world.join('tab'), bob: world.join('bob') }
}

/** What `proxy` has to tell its siblings about itself. */
function pendingOf({ proxy }: Peer<any>): PendingSession {
  return throughJson(proxy.pending)
}

/** Let each of them hear what the others have pending. */
function tellAll(...peers: Peer<any>[]): void {
  for (const peer of peers) {
    peer.proxy.showOthers(peers.filter((other) => other !== peer).map(pendingOf))
  }
}

/** Every state that a listener of `proxy` sees. */
function watch(proxy: CommandProxy<Record<string, any>>): unknown[] {
  const seen: unknown[] = []
  proxy.subscribe(() => seen.push(throughJson(proxy.read()['list'])))
  return seen
}

describe('what other sessions have given', () => {
  test('is waited for by one of two groups that write the same, each in its own order', () => {
    const { ada, tab } = open()
    const give = ({ proxy }: Peer<any>, ...keys: string[]) =>
      proxy.batch(() => keys.map((key) => proxy.update([], { [key]: proxy.clientId })), {
        atomic: true,
      })
    give(ada, 'x', 'y')
    give(tab, 'y', 'x')
    tellAll(ada, tab)
    expect([ada.proxy.isHeldUp, tab.proxy.isHeldUp]).toEqual([false, true])
    expect(tab.proxy.beginFlush()?.commands ?? []).toEqual([])
    ada.flush()
    expect(ada.proxy.status.queued).toBe(0)
    tellAll(ada, tab)
    expect(tab.proxy.isHeldUp).toBe(false)
  })

  test('shows in the order in which it was given, and is neither sent nor counted nor remembered', () => {
    const { ada, tab } = open()
    ada.proxy.update(['list'], { a: 'mine', both: 'mine' })
    const { memory, status } = ada.proxy
    tab.proxy.update(['list'], { b: 'theirs', both: 'theirs' })
    const seen = watch(ada.proxy)
    ada.proxy.showOthers([pendingOf(tab)])
    // Given at once, so the lower client id is below.
    expect(seen).toEqual([{ a: 'mine', both: 'theirs', b: 'theirs' }])
    expect(ada.proxy.memory).toEqual(memory)
    expect(ada.proxy.status).toBe(status)
    expect(ada.proxy.beginFlush()?.commands).toHaveLength(1)
    ada.proxy.showOthers([])
    expect(ada.proxy.read()['list']).toEqual({ a: 'mine', both: 'mine' })
    ada.proxy.showOthers([])
    expect(seen).toHaveLength(2)
  })

  test('goes in the step in which it is confirmed, and does not come back by an old word', () => {
    const { ada, tab } = open()
    tab.proxy.update(['list'], { n: 1 })
    tab.proxy.beginFlush()
    tab.proxy.cancelFlush()
    tab.proxy.update(['list'], { n: 2 })
    const word = pendingOf(tab)
    expect(word.commands.map(({ sequence }) => sequence)).toEqual([1, undefined])
    ada.proxy.showOthers([word])
    const seen = watch(ada.proxy)
    tab.flush()
    ada.flush()
    // Another one wrote since; what is confirmed is below it.
    tab.proxy.update(['list'], { n: 3 })
    tab.flush()
    expect(seen).toEqual([])
    ada.proxy.showOthers([pendingOf(tab)])
    ada.flush()
    expect(ada.proxy.read()['list']).toEqual({ n: 3 })
    ada.proxy.showOthers([word])
    expect(ada.proxy.read()['list']).toEqual({ n: 2 })
    ada.proxy.showOthers([{ ...word, commands: word.commands.slice(0, 1) }])
    expect(ada.proxy.read()['list']).toEqual({ n: 3 })
  })

  test('does not hide what was done after it was confirmed', () => {
    const { ada, tab, bob } = open()
    tab.proxy.update(['list'], { n: 1 })
    tab.proxy.beginFlush()
    ada.proxy.showOthers([pendingOf(tab)])
    const seen = watch(ada.proxy)
    tab.proxy.cancelFlush()
    tab.flush()
    bob.proxy.update(['list'], { n: 5 })
    bob.flush()
    ada.flush()
    expect(seen).toEqual([{ n: 5 }])
    ada.proxy.showOthers([])
    expect(seen).toEqual([{ n: 5 }])
  })

  test('does not show where it does not apply, has no form or is of this very client', () => {
    const { ada } = open()
    const show = (...commands: unknown[]) =>
      ada.proxy.showOthers([
        {
          clientId: 'tab',
          commands: commands.map((command, serial) => ({ serial, command: command as Command })),
        },
      ])
    show(
      { action: 'update', path: ['gone'], props: { a: 1 } },
      { action: 'create', path: ['list'], props: {} },
      { action: 'create', path: [], id: 'list', props: {} },
      { action: 'paint' },
      null,
      { action: 'update', path: ['list'], props: { a: 1 } },
    )
    expect(ada.proxy.read()['list']).toEqual({ a: 1 })
    ada.proxy.showOthers([
      {
        clientId: ada.proxy.clientId,
        commands: [{ serial: 1, command: { action: 'delete', path: ['list'] } }],
      },
    ])
    expect(ada.proxy.read()).toEqual(LONG)
  })

  test('carries own commands, which stay when it is taken back, until the master says', () => {
    const { world, ada, tab, bob } = open()
    const { id } = tab.proxy.create(['list'], { text: 'milk' })
    ada.proxy.showOthers([pendingOf(tab)])
    const receipt = ada.proxy.update(['list', id], { done: true })
    expect(receipt.ok).toBe(true)
    expect(ada.proxy.read(['list', id])).toEqual({ text: 'milk', done: true })
    ada.proxy.showOthers([])
    expect(ada.proxy.read(['list', id])).toBe(undefined)
    const { from, hash } = ada.proxy.confirmed
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    ada.proxy.receive(throughJson(world.master.pull(from, hash)))
    expect(ada.proxy.status).toMatchObject({ queued: 1, rejected: 0 })
    tab.flush()
    ada.flush()
    expect(receipt.outcome).toEqual({ kind: 'applied' })
    expect(world.master.read(['list', id])).toEqual({ text: 'milk', done: true })
    expect(ada.proxy.read()).toEqual(world.master.read())
  })

  test('is not part of what is confirmed', () => {
    const { world, ada, tab } = open()
    tab.proxy.update(['list'], { b: 1 })
    ada.proxy.showOthers([pendingOf(tab)])
    ada.proxy.update(['list'], { a: 1 })
    const before = ada.proxy.read()
    expect(ada.proxy.confirmedSnapshot()).toEqual(world.master.snapshot())
    expect(ada.proxy.read()).toBe(before)
    ada.flush()
    expect(ada.proxy.confirmedSnapshot()).toEqual(world.master.snapshot())
    expect(ada.proxy.read()['list']).toEqual({ a: 1, b: 1 })
  })

  test('is there from the start, below what was put away', () => {
    const { ada, tab } = open()
    const { id } = tab.proxy.create(['list'], {})
    ada.proxy.showOthers([pendingOf(tab)])
    ada.proxy.update(['list', id], { done: true })
    const again = new CommandProxy<Record<string, any>>(ada.proxy.confirmedSnapshot() as never, {
      createId: createTestIds('again'),
      now: () => 0,
      memory: ada.proxy.memory,
      others: [pendingOf(tab)],
    })
    expect(again.read()).toEqual(ada.proxy.read())
    expect(again.rejections).toEqual([])
  })

  test('is below what is given after it was heard of, in every session', () => {
    const { ada, tab } = open()
    ada.proxy.update(['list'], { title: 'first' })
    tellAll(ada, tab)
    tab.proxy.update(['list'], { title: 'second' })
    tellAll(ada, tab)
    expect(ada.proxy.read(['list'])).toEqual({ title: 'second' })
    ada.proxy.update(['list'], { title: 'third' })
    tellAll(ada, tab)
    for (const { proxy } of [ada, tab]) expect(proxy.read(['list'])).toEqual({ title: 'third' })
    // Whatever is on top may be taken back without what lies below.
    expect(() =>
      tab.proxy.batch(() => {
        tab.proxy.update(['list'], { title: 'fourth' })
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(tab.proxy.read(['list'])).toEqual({ title: 'third' })
    expect(ada.proxy.confirmedSnapshot().document).toEqual(LONG)
  })

  test('does not show before the master has confirmed it, where it was given to wait', () => {
    const { ada, tab } = open()
    tab.proxy.update(['list'], { title: 'first' }, { wait: true })
    ada.proxy.showOthers([pendingOf(tab)])
    expect(ada.proxy.read(['list'])).toEqual({})
  })
})

describe('what builds on edits of another session', () => {
  test('is sent when those are confirmed, with all that was given after it', () => {
    const { world, ada, tab } = open()
    const { id } = tab.proxy.create(['list'], { text: 'milk' })
    ada.proxy.update(['list'], { before: 1 })
    ada.proxy.showOthers([pendingOf(tab)])
    ada.proxy.update(['list', id], { done: true })
    ada.proxy.update(['list'], { after: 1 })
    expect(ada.proxy.isHeldUp).toBe(false)
    ada.flush()
    expect(world.master.read(['list'])).toEqual({ before: 1 })
    expect(ada.proxy.isHeldUp).toBe(true)
    expect(ada.proxy.beginFlush()).toBe(undefined)
    // News may still be asked for.
    expect(ada.proxy.beginFlush({ pull: true })!.commands).toEqual([])
    ada.proxy.cancelFlush()
    tab.flush()
    ada.proxy.showOthers([pendingOf(tab)])
    expect(ada.proxy.isHeldUp).toBe(false)
    ada.flush()
    expect(world.master.read(['list'])).toEqual({
      before: 1,
      [id]: { text: 'milk', done: true },
      after: 1,
    })
  })

  test.each([
    ['the same prop', ['list'], { a: 1 }, ['list'], { a: 2 }, true],
    ['another prop', ['list'], { a: 1 }, ['list'], { b: 2 }, false],
    ['a node above', ['list', 'x'], { a: 1 }, ['list'], { x: 1 }, true],
    ['a node below', ['list'], { x: {} }, ['list', 'x'], { a: 1 }, true],
  ] as const)('is told by where it changes something: %s', (_, first, a, second, b, isHeldUp) => {
    const world = new World<Record<string, any>>({ list: { x: {} } })
    const [ada, tab] = [world.join('ada'), world.join('tab')]
    tab.proxy.update(first, a)
    ada.proxy.showOthers([pendingOf(tab)])
    ada.proxy.update(second, b)
    expect(ada.proxy.isHeldUp).toBe(isHeldUp)
  })

  test('waits for each of several that make the same parent', () => {
    const { ada, tab } = open()
    const make = (peer: Peer<any>) => peer.proxy.create(['notes'], {}, { parentDefault: {} })
    make(tab)
    ada.proxy.showOthers([pendingOf(tab)])
    make(ada)
    expect(ada.proxy.isHeldUp).toBe(true)
  })

  test('waits for nobody who is silent, and for nothing that was given later', () => {
    const { ada, tab } = open()
    tab.proxy.update(['list'], { a: 1 })
    ada.proxy.showOthers([{ ...pendingOf(tab), isSilent: true }])
    ada.proxy.update(['list'], { a: 2 })
    expect(ada.proxy.isHeldUp).toBe(false)
    expect(ada.proxy.read(['list'])).toEqual({ a: 2 })
    tellAll(ada, tab)
    expect([ada.proxy.isHeldUp, tab.proxy.isHeldUp]).toEqual([true, false])
  })
})
