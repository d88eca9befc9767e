// Compiled by `tsc -b`, never run, and apart from other tests: what an application
// registers holds for all of its files.
import { createClient, type Model, type ModelStatus } from '@flushout/client'
import type { JsonObject } from '@flushout/core'
import { defineModel, derive } from '@flushout/core/define'
import { useFlushout, useKeys, useModel, useNode } from '@flushout/react'
import { expectTypeOf } from 'vitest'

interface Todo {
  readonly text: string
  readonly done: boolean
}
interface TodoList {
  readonly todos: { readonly [id: string]: Todo }
}
interface Tasks {
  readonly tasks: { readonly [id: string]: { readonly title: string } }
}
interface Lobby {
  readonly motd: string
}

const board = defineModel({
  pattern: 'ui:$list',
  local: true,
  initial: (): { readonly filter: 'all' | 'open' } => ({ filter: 'all' }),
})
const openTodos = derive(({ todos }: TodoList) => Object.values(todos).filter(({ done }) => !done))
const todoList = defineModel({ pattern: 'todos:$list', initial: (): TodoList => ({ todos: {} }) })
const lobby = defineModel({ pattern: 'team:lobby:tasks', initial: (): Lobby => ({ motd: '' }) })
const tasks = defineModel({
  pattern: 'team:$team:tasks',
  initial: ({ team }): Tasks => ({ tasks: { first: { title: `Welcome to ${team}` } } }),
})

declare module '@flushout/client' {
  interface Register {
    models: [typeof todoList, typeof lobby, typeof tasks, typeof board]
  }
}

declare const id: string
declare const anyKey: string

export function Keyed() {
  const [list, todos] = useFlushout('todos:groceries')
  expectTypeOf(list).toEqualTypeOf<TodoList>()
  expectTypeOf(todos).toEqualTypeOf<Model<TodoList>>()
  todos.update(['todos', id], { done: true })
  // @ts-expect-error -- a slip of the finger
  todos.update(['todso', id], { done: true })
  // @ts-expect-error -- a slip of the finger
  todos.update(['todos', id], { dnoe: true })
  useKeys(todos, ['todos'])
  expectTypeOf(useNode(todos, ['todos', id])[0]).toEqualTypeOf<Todo | undefined>()

  expectTypeOf(useFlushout(`todos:${id}`)[0]).toEqualTypeOf<TodoList>()
  expectTypeOf(useFlushout('team:353:tasks')[0]).toEqualTypeOf<Tasks>()
  expectTypeOf(useFlushout(`team:${id}:tasks`)[0]).toEqualTypeOf<Tasks>()
  // The first that fits counts, as at run time.
  expectTypeOf(useFlushout('team:lobby:tasks')[0]).toEqualTypeOf<Lobby>()
  expectTypeOf(useModel('todos:groceries')).toEqualTypeOf<Model<TodoList>>()
  expectTypeOf(
    useFlushout('todos:groceries', ({ todos }) => Object.keys(todos).length)[0],
  ).toEqualTypeOf<number>()
  expectTypeOf(useFlushout('todos:groceries', { suspense: false })).toEqualTypeOf<
    [TodoList | undefined, Model<TodoList>, ModelStatus]
  >()
}

export function LocalAndDerived() {
  const [ui, model] = useFlushout('ui:groceries')
  expectTypeOf(ui.filter).toEqualTypeOf<'all' | 'open'>()
  model.update([], { filter: 'open' })
  // @ts-expect-error -- there is no such filter
  model.update([], { filter: 'none' })
  expectTypeOf(useFlushout('todos:groceries', openTodos)[0]).toEqualTypeOf<Todo[]>()
  const sum = derive((a: number, b: number) => a + b)
  expectTypeOf(sum(1, 2)).toEqualTypeOf<number>()
  // @ts-expect-error -- it is computed from two numbers
  sum(1)
}

export function WrongKeys() {
  // @ts-expect-error -- no pattern fits
  useFlushout('todoz:groceries')
  // @ts-expect-error -- a segment too many
  useFlushout('todos:groceries:old')
  // @ts-expect-error -- a segment too few
  useFlushout('team:353')
  // @ts-expect-error -- a name is not empty
  useFlushout('todos:')
  // @ts-expect-error -- nobody knows which it is
  useFlushout(anyKey)
  // @ts-expect-error -- no pattern fits
  useFlushout('todoz:groceries', () => 1)
  // @ts-expect-error -- no pattern fits
  useFlushout('todoz:groceries', { suspense: false })
  // @ts-expect-error -- no pattern fits
  useModel('todoz:groceries')
}

export function ByHand() {
  expectTypeOf(useFlushout<Todo>('settings')[0]).toEqualTypeOf<Todo>()
  expectTypeOf(useFlushout<JsonObject>(anyKey)[0]).toEqualTypeOf<JsonObject>()
  expectTypeOf(useFlushout<Todo, string>('settings', ({ text }) => text)[0]).toEqualTypeOf<string>()
  expectTypeOf(useModel<Todo>(anyKey)).toEqualTypeOf<Model<Todo>>()
}

const client = createClient({ url: '/flushout', models: [todoList, lobby, tasks] })
expectTypeOf(client.model('todos:groceries')).toEqualTypeOf<Model<TodoList>>()
expectTypeOf(client.model<Todo>('settings')).toEqualTypeOf<Model<Todo>>()
// @ts-expect-error -- no pattern fits
client.model('todoz:groceries')
// @ts-expect-error -- a definition is made by defineModel
createClient({ url: '/flushout', models: [{ pattern: 'todos:*' }] })

// @ts-expect-error -- the key has no such segment
defineModel({ pattern: 'team:$team', initial: ({ taem }) => ({ name: taem }) })
