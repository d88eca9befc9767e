import type { Command, Interceptor, JsonObject } from '@flushout/core'
import { throughJson, World } from '@flushout/core/testing'
import { UndoStack } from '@flushout/core/undo'
import { describe, expect, test } from 'vitest'
import { oneActive } from './readme/one-active.ts'
import { countWork } from './support/work.ts'

/** Everything that is done to a task, told in a log. */
const logged: Interceptor = (_document, command) =>
  command.path?.[0] === 'tasks'
    ? { follow: [{ action: 'create', path: ['log'], props: { path: [...command.path] } }] }
    : undefined

// Long enough for updates to be the shorter answer.
const notes = 'Water the plants. '.repeat(40)
const TASKS = { notes, tasks: { a: { isActive: true }, b: {}, c: {} }, log: {} }

function update(path: string[], props: JsonObject): Command {
  return { action: 'update', path, props }
}

function open(
  document: JsonObject,
  interceptors: Interceptor[],
  onProxy: Interceptor[] = interceptors,
) {
  const world = new World<Record<string, any>>(document, {
    master: { interceptors },
    proxy: { interceptors: onProxy },
  })
  const [ada, bob] = ['ada', 'bob'].map((name) => world.join(name))
  const entries = () => world.master.since({ from: 0, hash: 'genesis' })!
  return { world, ada: ada!, bob: bob!, proxy: ada!.proxy, entries }
}

function active(proxy: { read(path: readonly string[]): unknown }): string[] {
  const tasks = proxy.read(['tasks']) as Record<string, { isActive?: boolean }>
  return Object.keys(tasks).filter((id) => tasks[id]!.isActive)
}

describe('a command that others follow by a rule', () => {
  for (const side of ['both sides', 'the master only']) {
    test(`applies with them, counts for all of them, and ends as one, with the rule on ${side}`, () => {
      const onProxy = side === 'both sides' ? [oneActive] : []
      const { world, ada, bob, proxy, entries } = open(TASKS, [oneActive], onProxy)
      const receipt = proxy.update(['tasks', 'b'], { isActive: true })
      expect(active(proxy)).toEqual(side === 'both sides' ? ['b'] : ['a', 'b'])
      expect(proxy.commandCount).toBe(side === 'both sides' ? 2 : 1)
      expect(proxy.status).toMatchObject({ queued: 1 })
      ada.flush()
      expect(active(proxy)).toEqual(['b'])
      expect(proxy.commandCount).toBe(2)
      expect(proxy.confirmed).toEqual({ from: 2, hash: world.master.hash })
      const followUps = [update(['tasks', 'a'], { isActive: false })]
      expect(receipt.outcome).toEqual({ kind: 'applied', followUps })
      expect(entries()).toMatchObject([
        {
          from: 0,
          commands: [{ path: ['tasks', 'b'] }, ...followUps],
          notes: [{ index: 1, cause: 0 }],
        },
      ])
      bob.flush()
      expect(active(bob.proxy)).toEqual(['b'])
    })
  }

  test('is sent alone, and what follows it is what the master has follow', () => {
    const { ada, bob, proxy, world } = open(TASKS, [oneActive])
    proxy.update(['tasks', 'b'], { isActive: true })
    bob.proxy.update(['tasks', 'c'], { isActive: true })
    bob.flush()
    const flush = proxy.beginFlush()!
    expect(flush.commands).toEqual([update(['tasks', 'b'], { isActive: true })])
    // Shows what the master is about to do, with what is known by now.
    proxy.receive(world.master.pull(0, 'genesis'))
    expect(active(proxy)).toEqual(['b'])
    proxy.endFlush(ada.send(flush))
    expect(active(proxy)).toEqual(['b'])
    expect(proxy.read()).toEqual(world.master.read())
    expect(proxy.commandCount).toBe(4)
  })

  test('stays as it was sent, whatever a rule would make of it by then', () => {
    const stamp: Interceptor = (_document, command, { now }) =>
      command.action === 'update' && command.path!.length === 0
        ? { props: { ...command.props, at: now }, follow: [update(['tasks', 'a'], { at: now })] }
        : undefined
    const { proxy, bob, world } = open(TASKS, [], [stamp])
    proxy.update([], { title: 'Plans' })
    const { now } = world
    proxy.beginFlush()
    world.now += 5_000
    bob.proxy.update(['tasks', 'b'], { n: 1 })
    bob.flush()
    proxy.receive(world.master.pull(0, 'genesis'))
    expect(proxy.read(['at'])).toBe(now)
    expect(proxy.read(['tasks', 'a', 'at'])).toBe(world.now)
  })

  test('is queued again with what follows it by then', () => {
    const { world, proxy, bob } = open(TASKS, [oneActive])
    proxy.update(['tasks', 'b'], { isActive: true })
    bob.proxy.update(['tasks', 'c'], { isActive: true })
    bob.flush()
    proxy.receive(world.master.pull(0, 'genesis'))
    expect(active(proxy)).toEqual(['b'])
    expect(proxy.commandCount).toBe(3 + 1)
  })

  test('is not followed by what only this side has a rule for', () => {
    const { ada, proxy, world } = open(TASKS, [], [oneActive])
    proxy.update(['tasks', 'b'], { isActive: true })
    expect(active(proxy)).toEqual(['b'])
    ada.flush()
    expect(active(proxy)).toEqual(['a', 'b'])
    expect(proxy.commandCount).toBe(world.master.commandCount)
  })

  test('is refused with them, and leaves no trace', () => {
    const strict: Interceptor = (_document, command) => {
      if (command.path?.[0] === 'log')
        return { reject: { code: 'FULL', message: 'The log is full.' } }
      return undefined
    }
    for (const onProxy of [[], [logged, strict]]) {
      const { ada, proxy, world } = open(TASKS, [logged, strict], onProxy)
      const receipt = proxy.update(['tasks', 'b'], { isActive: true })
      const other = proxy.update([], { title: 'Plans' })
      ada.flush()
      expect(receipt.outcome).toEqual({
        kind: 'rejected',
        rejection: {
          code: 'FOLLOW_UP_REJECTED',
          message: 'What had to follow it: The log is full. (FULL)',
          at: expect.any(Array),
        },
      })
      expect(other.outcome).toEqual({ kind: 'applied' })
      expect(world.master.read()).toEqual({ ...TASKS, title: 'Plans' })
      expect(proxy.read()).toEqual({ ...TASKS, title: 'Plans' })
      expect(world.master.commandCount).toBe(1)
    }
  })

  test('is refused where what follows cannot apply or makes the document too large', () => {
    const missing: Interceptor = (_document, { path }) =>
      path!.length === 0 ? { follow: [update(['nowhere'], {})] } : undefined
    const { ada, proxy } = open({}, [missing], [])
    const receipt = proxy.update([], { a: 1 })
    ada.flush()
    expect(receipt.outcome).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'FOLLOW_UP_REJECTED', at: ['nowhere'] },
    })
    const large: Interceptor = (_document, _command, { cause }) =>
      cause ? undefined : { follow: [update([], { text: 'x'.repeat(200) })] }
    const world = new World({}, { master: { interceptors: [large], maxDocumentBytes: 150 } })
    const bob = world.join('bob')
    const refused = bob.proxy.update([], { a: 1 })
    bob.flush()
    expect(refused.outcome).toMatchObject({ rejection: { code: 'FOLLOW_UP_REJECTED' } })
    expect(bob.proxy.read()).toEqual({})
  })

  test('goes before what follows it, each with what follows that, and each knows its cause', () => {
    const seen: [Command, Command | undefined, unknown][] = []
    const chain: Interceptor = (document, command, { cause }) => {
      seen.push([command, cause, document.read(['n'])])
      const n = command.action === 'update' ? (command.props?.['n'] as string) : ''
      return n.length > 2 ? undefined : { follow: ['1', '2'].map((i) => update([], { n: n + i })) }
    }
    const { world, entries, ada } = open({}, [chain], [])
    ada.proxy.update([], { n: '0' })
    ada.flush()
    const order = ['0', '01', '011', '012', '02', '021', '022']
    const [entry] = entries()
    expect(entry!.commands).toEqual(order.map((n) => update([], { n })))
    expect(entry!.notes).toEqual([0, 1, 1, 0, 4, 4].map((cause, i) => ({ index: i + 1, cause })))
    expect(seen.map(([, , found]) => found)).toEqual([undefined, ...order.slice(0, -1)])
    expect(seen.map(([, cause]) => cause)).toEqual(
      [undefined, '0', '01', '01', '0', '02', '02'].map((n) => n && update([], { n })),
    )
    expect(world.master.commandCount).toBe(7)
  })

  test('is followed by commands that other rules may amend', () => {
    const stamp: Interceptor = (_document, command) =>
      command.action === 'create' ? { props: { ...command.props, stamped: true } } : undefined
    const { ada, proxy, world } = open(TASKS, [logged, stamp])
    proxy.update(['tasks', 'b'], { isActive: true })
    ada.flush()
    const log = { path: ['tasks', 'b'], stamped: true }
    expect(Object.values(world.master.read(['log']) as JsonObject)).toEqual([log])
    expect(proxy.read()).toEqual(world.master.read())
  })

  test('is refused where a rule follows itself, or has too much follow', () => {
    const endless: Interceptor = (_document, command) => ({ follow: [command] })
    const many =
      (count: number): Interceptor =>
      (_document, _command, { cause }) =>
        cause ? undefined : { follow: Array.from({ length: count }, () => update([], {})) }
    const deep =
      (depth: number): Interceptor =>
      (_document, command) => {
        const n = command.action === 'update' ? (command.props?.['n'] as number) : 0
        return n < depth ? { follow: [update([], { n: n + 1 })] } : undefined
      }
    const outcomes = [endless, many(101), many(100), deep(9), deep(8)].map((rule) => {
      const { ada, proxy, world } = open({}, [rule], [])
      proxy.update([], { n: 0 })
      ada.flush()
      return [proxy.rejections[0]?.rejection.code, world.master.commandCount]
    })
    const refused = ['FOLLOW_UP_REJECTED', 0]
    expect(outcomes).toEqual([refused, refused, [undefined, 101], refused, [undefined, 9]])
    const { proxy } = open({}, [], [endless])
    expect(proxy.update([], { n: 0 }).rejection?.message).toMatch(
      /100 commands.*INTERCEPTOR_INVALID/,
    )
  })

  test('is refused by an answer that is no list of commands', () => {
    for (const follow of [{}, 'x', [null], [{ action: 'move' }], [update(['__proto__'], {})]]) {
      const rule = (() => ({ follow })) as unknown as Interceptor
      const { proxy } = open({}, [], [rule])
      expect(proxy.update([], {}).rejection?.code).toBe('INTERCEPTOR_INVALID')
    }
  })

  test('may be amended, too', () => {
    const both: Interceptor = (_document, command) =>
      command.path!.length === 0
        ? {
            props: { ...(command as { props: JsonObject }).props, by: 'rule' },
            follow: [update(['tasks', 'a'], { isActive: false })],
          }
        : undefined
    const { ada, proxy, world, entries } = open(TASKS, [both], [])
    const receipt = proxy.update([], { title: 'Plans' })
    const next = proxy.update([], { by: 'rule' })
    ada.flush()
    const followUps = [update(['tasks', 'a'], { isActive: false })]
    expect(receipt.outcome).toEqual({
      kind: 'amended',
      command: update([], { title: 'Plans', by: 'rule' }),
      followUps,
    })
    expect(next.outcome).toEqual({ kind: 'applied', followUps })
    expect(entries()[0]!.notes).toEqual([
      { index: 1, cause: 0 },
      { index: 3, cause: 2 },
    ])
    expect(proxy.read()).toEqual(world.master.read())
    expect(proxy.commandCount).toBe(4)
  })

  test('leaves no trace where making an id for what follows throws', () => {
    const twice: Interceptor = (_document, command, { cause }) =>
      cause ? undefined : { follow: [command, { action: 'create', path: ['log'], id: 'last' }] }
    const document = { ...TASKS, log: { last: {} } }
    const createId = () => {
      throw new Error('no randomness')
    }
    const world = new World<JsonObject>(document, { master: { interceptors: [twice], createId } })
    const { proxy } = world.join('ada')
    proxy.update([], { title: 'Plans' })
    const context = { user: undefined, now: 0, seed: '' }
    expect(() => world.master.apply(proxy.beginFlush()!, context)).toThrow('no randomness')
    expect(world.master.read()).toEqual(document)
    expect(world.master.commandCount).toBe(0)
  })

  test('does not show with them before it is confirmed, if it waits', () => {
    const { ada, proxy } = open(TASKS, [oneActive])
    proxy.apply(update(['tasks', 'b'], { isActive: true }), { wait: true })
    expect(active(proxy)).toEqual(['a'])
    expect(proxy.commandCount).toBe(0)
    ada.flush()
    expect(active(proxy)).toEqual(['b'])
    expect(proxy.commandCount).toBe(2)
  })

  test('is taken back with them, by a batch that fails and by who withdraws it', () => {
    const { proxy } = open(TASKS, [oneActive])
    const fail = () =>
      proxy.batch(() => {
        proxy.update(['tasks', 'b'], { isActive: true })
        throw new Error('no')
      })
    expect(fail).toThrow('no')
    expect([active(proxy), proxy.commandCount]).toEqual([['a'], 0])
    proxy.update(['tasks', 'b'], { isActive: true })
    proxy.withdraw(proxy.memory.pending.map(({ serial }) => serial))
    expect([active(proxy), proxy.commandCount]).toEqual([['a'], 0])
  })

  test('calls those who look at what follows it, and nobody else', () => {
    const { proxy } = open(TASKS, [oneActive])
    const called: string[] = []
    for (const id of ['a', 'b', 'c']) proxy.subscribe(() => called.push(id), ['tasks', id])
    proxy.update(['tasks', 'b'], { isActive: true })
    expect(called.sort()).toEqual(['a', 'b'])
  })
})

describe('what follows a command', () => {
  test('is created under the id of the master, and what builds on it follows the rename', () => {
    const { ada, proxy, world, bob } = open(TASKS, [logged])
    const first = proxy.delete(['tasks', 'b'])
    const [mine] = proxy.keys(['log'])
    bob.proxy.update([], { title: 'Plans' })
    bob.flush()
    const flush = proxy.beginFlush()!
    proxy.update(['log', mine!], { note: 'gone' })
    proxy.receive(world.master.pull(0, 'genesis'))
    // Put on again, it has the same id.
    expect(proxy.keys(['log'])).toEqual([mine])
    const result = proxy.endFlush(ada.send(flush))
    expect(first.outcome!.kind).toBe('applied')
    const [theirs] = proxy.keys(['log'])
    expect(theirs).not.toBe(mine)
    expect(result).toEqual({ ok: true, remaps: [{ from: ['log', mine], to: ['log', theirs] }] })
    ada.settle()
    expect(world.master.read(['log', theirs!, 'note'])).toBe('gone')
    expect(proxy.rejections).toEqual([])
  })

  test('never takes the place of what is there', () => {
    const named: Interceptor = (_document, { path }) =>
      path![0] === 'tasks'
        ? { follow: [{ action: 'create', path: ['log'], id: 'last' }] }
        : undefined
    const { ada, proxy, world } = open({ ...TASKS, log: { last: { n: 1 } } }, [named])
    proxy.delete(['tasks', 'b'])
    expect(proxy.read(['log', 'last'])).toEqual({ n: 1 })
    ada.flush()
    expect(proxy.size(['log'])).toBe(2)
    expect(proxy.read()).toEqual(world.master.read())
  })

  test('that has not the form of commands makes an answer unusable', () => {
    for (const followUps of [[], {}, null, [{ action: 'create' }], [{ action: 'move' }]]) {
      const { ada, proxy } = open(TASKS, [oneActive])
      proxy.update(['tasks', 'b'], { isActive: true })
      const answer = ada.send(proxy.beginFlush()!)
      const verdicts = [{ index: 0, kind: 'applied', followUps }]
      expect(proxy.endFlush({ ...answer, verdicts })).toMatchObject({ code: 'ANSWER_INVALID' })
      ada.settle()
      expect(active(proxy)).toEqual(['b'])
    }
  })

  test('shows after a reload, in flight and queued', () => {
    const { world, proxy } = open(TASKS, [oneActive, logged])
    proxy.update(['tasks', 'b'], { isActive: true })
    proxy.beginFlush()
    proxy.update(['tasks', 'c'], { isActive: true })
    const { memory } = proxy
    const later = world.join('ada', { memory: JSON.parse(JSON.stringify(memory)) as typeof memory })
    expect(later.proxy.read()).toEqual(proxy.read())
    expect(later.proxy.commandCount).toBe(proxy.commandCount)
    later.settle()
    expect(active(later.proxy)).toEqual(['c'])
    expect(later.proxy.read()).toEqual(world.master.read())
  })

  test('shows in other tabs with what it follows, and holds up who builds on it', () => {
    const { proxy, bob } = open(TASKS, [oneActive], [oneActive])
    proxy.update(['tasks', 'b'], { isActive: true })
    const shown = JSON.parse(JSON.stringify(proxy.pending)) as typeof proxy.pending
    bob.proxy.showOthers([shown])
    expect(active(bob.proxy)).toEqual(['b'])
    expect(bob.proxy.confirmedSnapshot().document).toEqual(TASKS)
    expect(active(bob.proxy)).toEqual(['b'])
    bob.proxy.update(['tasks', 'a'], { isActive: null })
    expect(bob.proxy.isHeldUp).toBe(true)
  })

  test('holds up the command that it follows, where another tab has to go first', () => {
    const { proxy, bob } = open(TASKS, [oneActive], [oneActive])
    bob.proxy.update(['tasks', 'a'], { isActive: true, title: 'First' })
    proxy.showOthers([bob.proxy.pending])
    proxy.update(['tasks', 'b'], { isActive: true })
    expect(proxy.isHeldUp).toBe(true)
  })

  test('comes again with the answer to a repeated flush', () => {
    const { ada, proxy, world } = open(TASKS, [oneActive])
    const receipt = proxy.update(['tasks', 'b'], { isActive: true })
    ada.send(proxy.beginFlush()!)
    proxy.cancelFlush()
    ada.flush()
    expect(receipt.outcome).toMatchObject({
      kind: 'applied',
      followUps: [{ path: ['tasks', 'a'] }],
    })
    expect(proxy.read()).toEqual(world.master.read())
    expect(proxy.commandCount).toBe(2)
  })
})

describe('undo', () => {
  for (const side of ['both sides', 'the master only']) {
    test(`takes back a command with what followed it, and redo does both again: ${side}`, () => {
      const onProxy = side === 'both sides' ? [oneActive] : []
      const { ada, proxy, world } = open(TASKS, [oneActive], onProxy)
      const undo = new UndoStack(proxy)
      proxy.update(['tasks', 'b'], { isActive: true })
      ada.flush()
      expect(undo.undo()).toMatchObject({ skipped: [] })
      ada.settle()
      expect([active(proxy), active(world.master)]).toEqual([['a'], ['a']])
      // Where the rule does it here already, nothing is left to be done for what followed.
      const redone = undo.redo()!
      expect([redone.skipped, redone.receipts.length]).toEqual([[], onProxy.length > 0 ? 1 : 2])
      ada.settle()
      expect([active(proxy), active(world.master)]).toEqual([['b'], ['b']])
      expect(undo.undo()).toMatchObject({ skipped: [] })
      expect(undo.state.canUndo).toBe(false)
      ada.settle()
      expect(world.master.read()).toEqual({
        ...TASKS,
        tasks: { ...TASKS.tasks, b: {}, a: { isActive: true } },
      })
    })
  }

  test('takes back what only the master had follow, too, where news of it came before the answer', () => {
    const { ada, proxy, world } = open(TASKS, [oneActive], [])
    const undo = new UndoStack(proxy)
    proxy.batch(() => {
      proxy.update(['tasks', 'c'], { note: 'first' })
      proxy.update(['tasks', 'b'], { isActive: true })
    })
    const answer = ada.send(proxy.beginFlush()!)
    const { from, hash } = proxy.confirmed
    expect(proxy.receive(throughJson(world.master.pull(from, hash)))).toBe('applied')
    proxy.endFlush(answer)
    expect(undo.undo()).toMatchObject({ skipped: [] })
    ada.settle()
    expect([active(proxy), active(world.master)]).toEqual([['a'], ['a']])
  })

  test('takes back what followed while nothing was sent yet', () => {
    const { proxy } = open(TASKS, [logged])
    const undo = new UndoStack(proxy)
    proxy.delete(['tasks', 'b'])
    const { skipped } = undo.undo()!
    expect(skipped).toEqual([])
    expect(proxy.keys(['tasks'])).toContain('b')
    // That it was taken back is told in the log, too.
    expect(Object.values(proxy.read()['log'] as JsonObject)).toEqual([{ path: ['tasks'] }])
  })

  test('leaves what somebody else changed of what followed, and says so', () => {
    const { ada, bob, proxy } = open(TASKS, [logged], [])
    const undo = new UndoStack(proxy)
    proxy.update(['tasks', 'b'], { title: 'B' })
    ada.flush()
    const [id] = proxy.keys(['log'])
    bob.flush()
    bob.proxy.update(['log', id!], { note: 'seen' })
    bob.flush()
    ada.flush()
    expect(undo.undo()!.skipped).toEqual([{ path: ['log', id], reason: 'changed' }])
    expect(proxy.read(['tasks', 'b'])).toEqual({})
    expect(proxy.keys(['log'])).toEqual([id])
  })

  test('holds typing with what follows it as what it did, however long', () => {
    const counted: Interceptor = (document, { path }) =>
      path![0] === 'tasks'
        ? { follow: [update([], { edits: ((document.read(['edits']) as number) ?? 0) + 1 })] }
        : undefined
    const { ada, proxy } = open(TASKS, [counted])
    const undo = new UndoStack(proxy)
    for (let count = 1; count <= 100; count += 1) {
      proxy.update(['tasks', 'b'], { title: 'x'.repeat(count) })
      ada.flush()
    }
    const { receipts, skipped } = undo.undo()!
    expect(receipts.length).toBeLessThanOrEqual(2)
    expect(skipped).toEqual([])
    expect(proxy.read()).toEqual({ ...TASKS, edits: 1 })
  })

  test('costs the same for each key that is typed, however many were', async () => {
    const stamped: Interceptor = (_document, { path }, { now }) =>
      path![0] === 'tasks' ? { follow: [update([], { changedAt: now })] } : undefined
    const type = (count: number) => () => {
      const { ada, proxy, world } = open(TASKS, [stamped], [])
      void new UndoStack(proxy)
      for (let index = 0; index < count; index += 1) {
        world.now += 1
        proxy.update(['tasks', 'b'], { title: `${index}` })
        ada.flush()
      }
    }
    const [some, many] = [await countWork(type(200)), await countWork(type(800))]
    expect(many / some).toBeLessThan(4.5)
  })
})
