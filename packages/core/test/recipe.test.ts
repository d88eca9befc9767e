import { CommandProxy, type Flush, type JsonObject, type JsonValue } from '@flushout/core'
import { edit } from '@flushout/core/recipe'
import { World } from '@flushout/core/testing'
import fc from 'fast-check'
import { produce } from 'immer'
import { describe, expect, test } from 'vitest'
import { document, key, value } from './support/arbitraries.ts'

interface Todos {
  title?: string
  tags?: string[]
  todos: {
    [id: string]: { text?: string; done?: boolean; tags?: string[]; owner?: { name: string } }
  }
}

function open(document: Todos) {
  const world = new World<Todos>(document)
  const ada = world.join('ada')
  return { world, ada, proxy: ada.proxy }
}

/** The commands that a recipe came to, as the master gets them. */
function commandsOf(proxy: CommandProxy<Todos>): Flush['commands'] {
  return proxy.beginFlush()?.commands ?? []
}

describe('a recipe', () => {
  test('that sets props gives one update for each node', () => {
    const { proxy } = open({ todos: { a: { text: 'Milk' }, b: {} } })
    edit(proxy, (draft) => {
      draft.todos['a']!.done = true
      draft.title = 'Shop'
      draft.todos['a']!.text = 'Oat milk'
    })
    expect(new Set(commandsOf(proxy))).toEqual(
      new Set([
        { action: 'update', path: ['todos', 'a'], props: { done: true, text: 'Oat milk' } },
        { action: 'update', path: [], props: { title: 'Shop' } },
      ]),
    )
  })

  test('that adds an object creates it under that id', () => {
    const { proxy } = open({ todos: {} })
    const [receipt] = edit(proxy, (draft) => {
      draft.todos['a'] = { text: 'Milk', owner: { name: 'Ada' } }
    })
    expect(receipt!.id).toBe('a')
    expect(commandsOf(proxy)).toEqual([
      {
        action: 'create',
        path: ['todos'],
        id: 'a',
        props: { text: 'Milk', owner: { name: 'Ada' } },
      },
    ])
  })

  test('that removes an object deletes it, and one that removes a value unsets it', () => {
    const { proxy } = open({ todos: { a: { text: 'Milk', done: true }, b: {} } })
    edit(proxy, (draft) => {
      delete draft.todos['b']
      delete draft.todos['a']!.done
    })
    expect(new Set(commandsOf(proxy))).toEqual(
      new Set([
        { action: 'delete', path: ['todos', 'b'] },
        { action: 'update', path: ['todos', 'a'], unset: ['done'] },
      ]),
    )
  })

  test('that changes an array anywhere inside replaces it whole', () => {
    const { proxy } = open({ tags: ['x'], todos: { a: { tags: ['one', 'two', 'three'] } } })
    edit(proxy, (draft) => {
      draft.todos['a']!.tags!.splice(0, 2, 'zero')
      draft.todos['a']!.tags!.push('four')
    })
    expect(commandsOf(proxy)).toEqual([
      { action: 'update', path: ['todos', 'a'], props: { tags: ['zero', 'three', 'four'] } },
    ])
  })

  test('that puts an object in the place of something updates that prop', () => {
    const { proxy } = open({ todos: { a: { owner: { name: 'Ada' } } } })
    edit(proxy, (draft) => {
      draft.todos['a']!.owner = { name: 'Bob' }
    })
    expect(commandsOf(proxy)).toEqual([
      { action: 'update', path: ['todos', 'a'], props: { owner: { name: 'Bob' } } },
    ])
  })

  test('that changes nothing gives no commands and calls nobody', () => {
    const { proxy } = open({ todos: { a: { text: 'Milk' } } })
    let calls = 0
    proxy.subscribe(() => (calls += 1))
    expect(edit(proxy, (draft) => void (draft.todos['a']!.text = 'Milk'))).toEqual([])
    expect(edit(proxy, () => {})).toEqual([])
    expect(calls).toBe(0)
    expect(proxy.status.queued).toBe(0)
  })

  test('is one batch: listeners are called once, after all of it', () => {
    const { proxy } = open({ todos: { a: {}, b: {} } })
    const seen: unknown[] = []
    proxy.subscribe(() => seen.push(proxy.read()))
    edit(proxy, (draft) => {
      draft.todos['a']!.done = true
      draft.todos['b']!.done = true
    })
    expect(seen).toEqual([{ todos: { a: { done: true }, b: { done: true } } }])
  })

  test('that throws changes nothing, and what it threw is thrown on', () => {
    const { proxy } = open({ todos: { a: {} } })
    const run = () =>
      edit(proxy, (draft) => {
        draft.todos['a']!.done = true
        throw new RangeError('no')
      })
    expect(run).toThrow(RangeError)
    expect(proxy.read()).toEqual({ todos: { a: {} } })
    expect(proxy.status.queued).toBe(0)
  })

  test('of which one command is refused takes the others back', () => {
    const { proxy } = open({ todos: { a: {}, b: {} } })
    const [first, second] = edit(proxy, (draft) => {
      draft.todos['c'] = {}
      draft.todos['b'] = { text: undefined as unknown as string }
    })
    expect(first!.outcome).toMatchObject({ kind: 'dropped', rejection: { code: 'BATCH_REJECTED' } })
    expect(second!.rejection).toMatchObject({ code: 'VALUE_INVALID', at: ['todos', 'b', 'text'] })
    expect(proxy.read()).toEqual({ todos: { a: {}, b: {} } })
    expect(proxy.status.queued).toBe(0)
  })

  test('that is asynchronous is refused', () => {
    const { proxy } = open({ todos: {} })
    const run = () => edit(proxy, async (draft) => void (draft.title = 'late'))
    expect(run).toThrow(expect.objectContaining({ code: 'COMMAND_INVALID' }))
    expect(proxy.read()).toEqual({ todos: {} })
  })

  test('may return a value, as arrow functions do', () => {
    const { proxy } = open({ todos: {} })
    edit(proxy, (draft) => (draft.title = 'Shop'))
    expect(proxy.read()).toEqual({ todos: {}, title: 'Shop' })
  })

  test('leaves the objects that it put in unfrozen, and shares none of them', () => {
    const { proxy } = open({ todos: {} })
    const todo = { text: 'Milk', tags: ['x'] }
    edit(proxy, (draft) => void (draft.todos['a'] = todo))
    todo.tags.push('y')
    expect(proxy.read(['todos', 'a'])).toEqual({ text: 'Milk', tags: ['x'] })
  })

  test('arrives at the master as it showed here', () => {
    const { world, ada, proxy } = open({ todos: { a: {} } })
    edit(proxy, (draft) => {
      draft.todos['b'] = { text: 'Bread' }
      draft.todos['b'].done = true
      delete draft.todos['a']
    })
    ada.settle()
    expect(world.master.snapshot().document).toEqual({
      todos: { b: { text: 'Bread', done: true } },
    })
    expect(world.master.commandCount).toBe(2)
  })
})

type Draft = Record<string, unknown>

/** One thing that a recipe may do, at the container that a walk leads to. */
type Step =
  | { kind: 'set'; walk: number[]; key: string; value: JsonValue }
  | { kind: 'remove' | 'reverse'; walk: number[]; key: string }
  | { kind: 'move'; walk: number[]; to: number[]; key: string; name: string }

const walk = fc.array(fc.nat({ max: 5 }), { maxLength: 4 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), walk, key, value }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'reverse' as const), walk, key }),
  fc.record({ kind: fc.constant('move' as const), walk, to: walk, key, name: key }),
)

function containerAt(root: Draft, walk: readonly number[]): Draft | unknown[] {
  let container: Draft | unknown[] = root
  for (const index of walk) {
    const inside = Object.values(container).filter((one) => typeof one === 'object' && one !== null)
    if (inside.length === 0) break
    container = inside[index % inside.length] as Draft
  }
  return container
}

function play(root: Draft, step: Step): void {
  const container = containerAt(root, step.walk)
  if (Array.isArray(container)) {
    if (step.kind === 'set') container.push(structuredClone(step.value))
    else if (step.kind === 'remove') container.splice(0, 1)
    else container.reverse()
  } else if (step.kind === 'set') {
    container[step.key] = structuredClone(step.value)
  } else if (step.kind === 'remove') {
    delete container[step.key]
  } else if (step.kind === 'move') {
    if (!Object.hasOwn(container, step.key)) return
    const moved = container[step.key]
    delete container[step.key]
    const target = containerAt(root, step.to)
    if (!Array.isArray(target)) target[step.name] = moved
  }
}

test('after any recipe the document is what Immer makes of it', () => {
  fc.assert(
    fc.property(document, fc.array(step, { maxLength: 12 }), (document, steps) => {
      const proxy = new CommandProxy<JsonObject>(
        { commandCount: 0, hash: '', document },
        { createId: () => 'id', now: () => 0 },
      )
      const recipe = (draft: Draft) => {
        for (const one of steps) play(draft, one)
      }
      const receipts = edit(proxy, recipe)
      expect(receipts.filter(({ ok }) => !ok)).toEqual([])
      expect(proxy.read()).toEqual(produce(document, recipe))
    }),
    { numRuns: 2_000 },
  )
})
