// Compiled by `tsc -b`, never run, and apart from other tests: what an application
// registers holds for all of its files.
import { createClient, type Model, type ModelStatus } from '@flushout/client'
import type { JsonObject } from '@flushout/core'
import { defineModel, derive } from '@flushout/core/define'
import { withCommands } from '@flushout/core/commands'
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

const plans = withCommands(
  defineModel({ pattern: 'plan:$plan', initial: (): TodoList => ({ todos: {} }) }),
  {
    finish: {
      label: 'Finish',
      run(draft, { id: which }: { id: string }, { now }) {
        draft.todos[which]!.done = now > 0
        // @ts-expect-error -- a slip of the finger
        draft.todso = {}
        if (!draft.todos[which]) return { reject: { message: 'It is gone.' } }
      },
    },
    clear: { run: (draft) => void (draft.todos = {}) },
  },
)

declare module '@flushout/client' {
  interface Register {
    models: [typeof todoList, typeof lobby, typeof tasks, typeof board, typeof plans]
  }
}

type NoRuns = object
declare const id: string
declare const anyKey: string

export function Keyed() {
  const [list, todos] = useFlushout('todos:groceries')
  expectTypeOf(list).toEqualTypeOf<TodoList>()
  expectTypeOf(todos).toEqualTypeOf<Model<TodoList, NoRuns>>()
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
  expectTypeOf(useModel('todos:groceries')).toEqualTypeOf<Model<TodoList, NoRuns>>()
  expectTypeOf(
    useFlushout('todos:groceries', ({ todos }) => Object.keys(todos).length)[0],
  ).toEqualTypeOf<number>()
  expectTypeOf(useFlushout('todos:groceries', { suspense: false })).toEqualTypeOf<
    [TodoList | undefined, Model<TodoList, NoRuns>, ModelStatus]
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
expectTypeOf(client.model('todos:groceries')).toEqualTypeOf<Model<TodoList, NoRuns>>()
expectTypeOf(client.model<Todo>('settings')).toEqualTypeOf<Model<Todo>>()
// @ts-expect-error -- no pattern fits
client.model('todoz:groceries')
// @ts-expect-error -- a definition is made by defineModel
createClient({ url: '/flushout', models: [{ pattern: 'todos:*' }] })

// @ts-expect-error -- the key has no such segment
defineModel({ pattern: 'team:$team', initial: ({ taem }) => ({ name: taem }) })

const named = client.model('plan:one')
named.run('finish', { id: 'a' })
named.run('finish', { id: 'a' }, { wait: true })
named.run('clear')
named.run('clear', undefined, { label: 'Away with it' })
expectTypeOf(named.read()).toEqualTypeOf<TodoList | undefined>()
// @ts-expect-error -- no such command
named.run('finnish', { id: 'a' })
// @ts-expect-error -- it wants an id
named.run('finish')
// @ts-expect-error -- a slip of the finger
named.run('finish', { di: 'a' })
// @ts-expect-error -- the id is a string
named.run('finish', { id: 1 })
// @ts-expect-error -- it has no named commands
client.model('todos:groceries').run('finish', { id: 'a' })
client.model<Todo>('settings').run('anything')
useKeys(named, ['todos'])
expectTypeOf((await named.fork()).run('clear').ok).toEqualTypeOf<boolean>()
