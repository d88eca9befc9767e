import type { Command, Interceptor } from '@flushout/core'
import { World } from '@flushout/core/testing'
import { UndoStack, type UndoOptions } from '@flushout/core/undo'
import { describe, expect, test } from 'vitest'
import { wide } from './support/arbitraries.ts'

interface Todo {
  text?: string
  done?: boolean
}

// So much beside it that news come as updates and not as a snapshot.
const LIST = {
  title: 'Groceries',
  todos: { a: { text: 'milk', done: false } } as Record<string, Todo>,
  more: wide(60),
}

function start(options?: UndoOptions, world = new World<typeof LIST>(LIST)) {
  const [ada, bob] = [world.join('ada'), world.join('bob')]
  return { world, ada, bob, stack: new UndoStack(ada.proxy, options) }
}

const text = (value: string): Command => ({
  action: 'update',
  path: ['todos', 'a'],
  props: { text: value },
})

describe('undo', () => {
  test('is a command like any other: the master and everybody else follow', () => {
    const { world, ada, bob, stack } = start()
    ada.proxy.apply(text('oat milk'))
    ada.settle()
    expect(stack.undo()).toMatchObject({ skipped: [], receipts: [{ ok: true }] })
    expect(ada.proxy.read(['todos', 'a', 'text'])).toBe('milk')
    world.settle()
    expect(bob.proxy.read()).toEqual(LIST)
    expect(world.master.commandCount).toBe(2)
    stack.redo()
    world.settle()
    expect(bob.proxy.read(['todos', 'a', 'text'])).toBe('oat milk')
    expect(stack.redo()).toBeUndefined()
  })

  test('brings a deleted node back with its id, and takes a new one out', () => {
    const { ada, stack } = start()
    ada.proxy.delete(['todos', 'a'])
    const { id } = ada.proxy.create(['todos'], { text: 'bread' })
    stack.undo()
    expect(ada.proxy.keys(['todos'])).toEqual([])
    stack.undo()
    expect(ada.proxy.read()).toEqual(LIST)
    stack.redo()
    stack.redo()
    expect(ada.proxy.read(['todos'])).toEqual({ [id]: { text: 'bread' } })
  })

  test('takes away a prop that was not there, and puts back one that was unset', () => {
    const { ada, stack } = start()
    const command = { action: 'update', path: ['todos', 'a'], props: { due: 1 }, unset: ['done'] }
    ada.proxy.apply(command as Command)
    expect(ada.proxy.read(['todos', 'a'])).toEqual({ text: 'milk', due: 1 })
    stack.undo()
    expect(ada.proxy.read()).toEqual(LIST)
  })

  test('puts back once what was unset twice', () => {
    const { ada, stack } = start()
    ada.proxy.batch(() => {
      ada.proxy.update(['todos'], { b: {} })
      ada.proxy.apply({ action: 'update', path: ['todos'], unset: ['b', 'b'] })
    })
    stack.undo()
    expect(ada.proxy.read()).toEqual(LIST)
  })

  test('says that the node is gone, and does not bring it back', () => {
    const { world, ada, bob, stack } = start()
    ada.proxy.apply(text('oat milk'))
    world.settle()
    bob.proxy.delete(['todos', 'a'])
    world.settle()
    const path = ['todos', 'a', 'text']
    expect(stack.undo()).toEqual({
      label: undefined,
      receipts: [],
      skipped: [{ path, reason: 'gone' }],
    })
    world.settle()
    expect(world.master.read(['todos'])).toEqual({})
    expect(stack.state).toMatchObject({ canUndo: false, canRedo: false })
  })

  test('does not bring back what somebody deleted once more', () => {
    const { world, ada, bob, stack } = start()
    ada.proxy.delete(['todos', 'a'])
    ada.proxy.create(['todos'], { text: 'mine' }, { id: 'a' })
    world.settle()
    bob.proxy.delete(['todos', 'a'])
    world.settle()
    expect(stack.undo()?.skipped).toMatchObject([{ reason: 'gone' }])
    // There is nothing, as after the first delete; but it was Bob who deleted it last.
    expect(stack.undo()).toBeUndefined()
    expect(ada.proxy.read(['todos'])).toEqual({})
  })

  test('leaves what somebody else has set since, and takes back the rest', () => {
    const { world, ada, bob, stack } = start()
    ada.proxy.update(['todos', 'a'], { text: 'oat milk', done: true })
    world.settle()
    bob.proxy.apply(text('soy milk'))
    world.settle()
    const path = ['todos', 'a', 'text']
    expect(stack.undo()?.skipped).toEqual([{ path, reason: 'changed' }])
    expect(ada.proxy.read(['todos', 'a'])).toEqual({ text: 'soy milk', done: false })
    stack.redo()
    expect(ada.proxy.read(['todos', 'a'])).toEqual({ text: 'soy milk', done: true })
  })

  test('goes back to what somebody else had set before, though it came later', () => {
    const { world, ada, bob, stack } = start()
    ada.proxy.apply(text('oat milk'))
    bob.proxy.apply(text('soy milk'))
    bob.settle()
    ada.settle()
    expect(ada.proxy.read(['todos', 'a', 'text'])).toBe('oat milk')
    stack.undo()
    world.settle()
    expect(world.master.read(['todos', 'a', 'text'])).toBe('soy milk')
  })

  test('is told as lost if the node is deleted while it is on its way', () => {
    const { world, ada, bob, stack } = start()
    ada.proxy.apply(text('oat milk'))
    world.settle()
    bob.proxy.delete(['todos', 'a'])
    bob.settle()
    const undone = stack.undo()
    expect(undone?.skipped).toEqual([])
    ada.settle()
    expect(undone?.receipts[0]?.outcome?.kind).toBe('dropped')
    expect(ada.proxy.rejections).toHaveLength(1)
    expect(world.master.read(['todos'])).toEqual({})
  })

  test('goes through the rules, and says if they refuse it', () => {
    let isFrozen = false
    const rule: Interceptor = () => {
      if (isFrozen) return { reject: { code: 'FROZEN', message: 'The list is closed.' } }
    }
    const world = new World<typeof LIST>(LIST, { proxy: { interceptors: [rule] } })
    const { ada, stack } = start({}, world)
    ada.proxy.apply(text('oat milk'))
    isFrozen = true
    expect(stack.undo()?.skipped).toMatchObject([
      { reason: 'refused', rejection: { code: 'FROZEN' } },
    ])
    expect(ada.proxy.read(['todos', 'a', 'text'])).toBe('oat milk')
  })
})

describe('what the master makes of a command', () => {
  test('a rejected one leaves the steps', async () => {
    const rule: Interceptor = (_, { action }) =>
      action === 'update' ? { reject: { message: 'No.' } } : undefined
    const world = new World<typeof LIST>(LIST, { master: { interceptors: [rule] } })
    const { ada, stack } = start({}, world)
    ada.proxy.apply(text('oat milk'))
    expect(stack.state.canUndo).toBe(true)
    ada.settle()
    expect(stack.undo()).toBeUndefined()
    await Promise.resolve()
    expect(stack.state.canUndo).toBe(false)
    expect(ada.proxy.read()).toEqual(LIST)
  })

  test('of an amended one it is taken back what was really set', () => {
    const rule: Interceptor = (_, { action }, { side }) =>
      side === 'master' && action !== 'delete' ? { props: { text: 'MILK', stamp: 1 } } : undefined
    const world = new World<typeof LIST>(LIST, { master: { interceptors: [rule] } })
    const { ada, stack } = start({}, world)
    ada.proxy.create(['todos'], { text: 'bread' }, { id: 'b' })
    ada.proxy.update([], { title: 'Shop' })
    ada.settle()
    expect(ada.proxy.read()).toMatchObject({ text: 'MILK', stamp: 1, title: 'Groceries' })
    stack.undo()
    expect(ada.proxy.read()).not.toHaveProperty('stamp')
    stack.undo()
    expect(ada.proxy.read()).toEqual(LIST)
  })

  test('one that waits is a step as soon as it shows', async () => {
    const { world, ada, stack } = start()
    ada.proxy.update(['todos', 'a'], { text: 'oat milk' }, { wait: true })
    ada.proxy.update([], { title: 'Shop' })
    stack.undo()
    expect(stack.undo()).toBeUndefined()
    ada.settle()
    await Promise.resolve()
    expect(ada.proxy.read(['todos', 'a', 'text'])).toBe('oat milk')
    expect(stack.undo()?.skipped).toEqual([])
    world.settle()
    expect(world.master.read()).toEqual(LIST)
  })

  test('a renamed node is followed', () => {
    const { world, ada, bob, stack } = start()
    bob.proxy.create(['todos'], { text: 'of Bob' }, { id: 'b' })
    bob.settle()
    ada.proxy.create(['todos'], { text: 'bread' }, { id: 'b' })
    ada.proxy.update(['todos', 'b'], { text: 'rye' })
    world.settle()
    expect(ada.proxy.size(['todos'])).toBe(3)
    stack.undo()
    stack.undo()
    world.settle()
    expect(world.master.read(['todos'])).toEqual({ ...LIST.todos, b: { text: 'of Bob' } })
  })

  test('a create that was renamed and amended on its way back is followed', () => {
    const stamp: Interceptor = (_, command, { side }) =>
      side === 'master' && command.action === 'create'
        ? { props: { ...command.props, stamp: 1 } }
        : undefined
    const world = new World<typeof LIST>(LIST, { master: { interceptors: [stamp] } })
    const { ada, bob, stack } = start({}, world)
    bob.proxy.create(['todos'], { text: 'of Bob' }, { id: 'b' })
    bob.settle()
    ada.proxy.create(['todos'], { text: 'bread' }, { id: 'b' })
    const flush = ada.proxy.beginFlush()!
    const answer = ada.send(flush)
    // The news of it are here before the answer.
    const { from, hash } = ada.proxy.confirmed
    expect(ada.proxy.receive(world.master.pull(from, hash))).toBe('applied')
    ada.proxy.endFlush(answer)
    expect(stack.undo()?.skipped).toEqual([])
    world.settle()
    expect(Object.keys(world.master.read(['todos'])!)).toEqual(['a', 'b'])
  })
})

describe('a step', () => {
  test('is a whole batch, and one that fails is none', () => {
    const { ada, stack } = start()
    ada.proxy.batch(() => {
      ada.proxy.create(['todos'], { text: 'bread' }, { id: 'b' })
      ada.proxy.update(['todos', 'b'], { done: true })
      ada.proxy.delete(['todos', 'a'])
    })
    stack.undo()
    expect(ada.proxy.read()).toEqual(LIST)
    stack.redo()
    expect(ada.proxy.read(['todos'])).toEqual({ b: { text: 'bread', done: true } })
    stack.undo()
    expect(() =>
      ada.proxy.batch(() => {
        ada.proxy.delete(['todos', 'a'])
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(stack.undo()).toBeUndefined()
  })

  test('is what was typed until a pause, in one command', () => {
    const { world, ada, stack } = start()
    let typed = 'milk'
    const type = (letters: string, pauseMs: number) => {
      for (const letter of letters) {
        world.now += pauseMs
        typed += letter
        ada.proxy.apply(text(typed))
        if (letter === 'x') ada.settle()
      }
    }
    type(' and a box of bread', 1_000)
    world.now += 1_001
    type(' and many more boxes of whatever else there may be', 200)
    expect(stack.undo()?.receipts).toHaveLength(1)
    expect(ada.proxy.read(['todos', 'a', 'text'])).toBe('milk and a box of bread')
    stack.undo()
    expect(ada.proxy.read()).toEqual(LIST)
    expect(stack.undo()).toBeUndefined()
    stack.redo()
    stack.redo()
    expect(ada.proxy.read(['todos', 'a', 'text'])).toMatch(/may be$/)
  })

  test('ends where something else is changed, or where the application says so', () => {
    const { ada, stack } = start()
    ada.proxy.apply(text('a'))
    ada.proxy.update(['todos', 'a'], { done: true })
    ada.proxy.apply(text('b'))
    stack.endStep()
    ada.proxy.apply(text('c'))
    const undone = []
    while (stack.undo()) undone.push(ada.proxy.read(['todos', 'a', 'text']))
    expect(undone).toEqual(['b', 'a', 'a', 'milk'])
  })

  test('has a name, its own or by its first command', () => {
    const { ada, stack } = start({ describe: ({ action }) => `the ${action}` })
    const seen: unknown[] = []
    stack.subscribe(() => seen.push([stack.state.label, stack.state.redoLabel]))
    ada.proxy.apply(text('oat milk'))
    stack.step('Empty the list', () => ada.proxy.delete(['todos', 'a']))
    expect(stack.undo()?.label).toBe('Empty the list')
    stack.undo()
    expect(seen).toEqual([
      ['the update', undefined],
      ['Empty the list', undefined],
      ['the update', 'Empty the list'],
      [undefined, 'the update'],
    ])
  })

  test('that changes nothing is none, and the oldest are forgotten', () => {
    const { ada, stack } = start({ maxSteps: 3 })
    for (const one of ['a', 'b', 'c', 'd']) {
      ada.proxy.apply(text(one))
      stack.endStep()
    }
    ada.proxy.apply(text('d'))
    const undone = []
    while (stack.undo()) undone.push(ada.proxy.read(['todos', 'a', 'text']))
    expect(undone).toEqual(['c', 'b'])
  })

  test('what is done anew ends redo', () => {
    const { ada, stack } = start()
    ada.proxy.apply(text('oat milk'))
    stack.undo()
    expect(stack.state).toMatchObject({ canUndo: false, canRedo: true })
    ada.proxy.update([], { title: 'Shop' })
    expect(stack.state).toMatchObject({ canUndo: true, canRedo: false })
  })

  test('what a listener gives when it hears of an undo is one of its own', () => {
    const { ada, stack } = start()
    ada.proxy.apply(text('oat milk'))
    const stop = ada.proxy.subscribe(() => {
      stop()
      ada.proxy.update([], { title: 'Shop' })
    })
    stack.undo()
    expect(stack.undo()?.skipped).toEqual([])
    expect(ada.proxy.read()).toEqual(LIST)
  })
})
