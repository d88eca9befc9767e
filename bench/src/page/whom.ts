// What it takes to find whom a command concerns, beside the command itself.
import { CommandProxy, type JsonObject } from '@flushout/core'
import { createTestIds } from '@flushout/core/testing'
import { agree } from '../client/agree.ts'
import { compare, type Contender } from '../harness/measure.ts'
import type { Section } from '../harness/section.ts'
import { makeTodos, toTodoList, type Todo } from './todos.ts'

const ROWS = 10_000
const EDITS = 200

/** How rows hear of changes; gives how many were told that theirs is another. */
type Subscribe = (proxy: CommandProxy, todos: readonly Todo[]) => () => number

const nobody: Subscribe = () => () => 0

const byPath: Subscribe = (proxy, todos) => {
  let told = 0
  for (const { id } of todos) proxy.subscribe(() => (told += 1), ['todos', id])
  return () => told
}

/** Each row is called after every change, and looks at its own todo: as stores without paths do. */
const byAsking: Subscribe = (proxy, todos) => {
  let told = 0
  for (const { id } of todos) {
    const path = ['todos', id]
    let shown = proxy.read(path)
    proxy.subscribe(() => {
      const now = proxy.read(path)
      if (now === shown) return
      shown = now
      told += 1
    })
  }
  return () => told
}

function contend(name: string, subscribe: Subscribe): Contender & { readonly check: () => void } {
  const todos = makeTodos(ROWS)
  const document = toTodoList(todos) as unknown as JsonObject
  const options = { createId: createTestIds('ada'), now: () => 0 }
  const proxy = new CommandProxy({ commandCount: 0, hash: 'h', document }, options)
  const told = subscribe(proxy, todos)
  let at = 0
  let edits = 0
  return {
    name,
    times: EDITS,
    prepare() {
      for (let flush = proxy.beginFlush(); flush; flush = proxy.beginFlush()) {
        proxy.endFlush(agree(flush))
      }
    },
    run(times) {
      for (let n = 0; n < times; n += 1) {
        at = (at + 7_919) % ROWS
        edits += 1
        proxy.update(['todos', todos[at]!.id], { text: `Edited ${edits}` })
      }
    },
    check: () => {
      if (subscribe !== nobody && told() !== edits) {
        throw new Error(`${name}: ${told()} of ${edits} rows were told.`)
      }
    },
  }
}

export async function whom(): Promise<Section> {
  const contenders = [
    contend('nobody', nobody),
    contend('each row by its path', byPath),
    contend('each row to everything', byAsking),
  ]
  const times = await compare(contenders, { rounds: 30 })
  for (const { check } of contenders) check()
  const [bare, found, asked] = [...times.values()] as [number, number, number]
  return {
    id: 'whom',
    title: 'One update of a todo, by who of 10,000 rows listens (without a browser)',
    rowsAre: 'who listens',
    columns: [
      { name: 'an update', unit: 'µs' },
      { name: 'of which finding whom', unit: 'µs' },
    ],
    rows: [
      { name: 'nobody', values: [bare, undefined] },
      { name: 'each row, to its path', values: [found, found - bare] },
      { name: 'each row, to everything, and asks', values: [asked, asked - bare] },
    ],
    goals: [
      { what: 'finding whom a command concerns', value: found - bare, unit: 'µs', atMost: 3 },
    ],
  }
}
