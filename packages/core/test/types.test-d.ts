// Compiled by `tsc -b`, run by nobody: each line below an expected error must not
// compile, every other must.
import type {
  At,
  ChildProps,
  CommandProxy,
  JsonObject,
  JsonValue,
  LostCommand,
  Outcome,
  PathIn,
  PropsAt,
  Receipt,
} from '@flushout/core'
import { defineModel, type FieldPath } from '@flushout/core/define'
import { edit, type Editable } from '@flushout/core/recipe'
import { expectTypeOf } from 'vitest'

interface Todo {
  readonly text: string
  readonly done: boolean
  readonly tags?: readonly string[]
  readonly owner?: { readonly name: string; readonly age?: number }
}

interface TodoList {
  readonly title: string
  readonly todos: { readonly [id: string]: Todo }
}

declare const model: CommandProxy<TodoList>
declare const loose: CommandProxy
declare const id: string
declare const unknownPath: readonly string[]

// Reading.
expectTypeOf(model.read()).toEqualTypeOf<TodoList>()
expectTypeOf(model.read(['title'])).toEqualTypeOf<string | undefined>()
expectTypeOf(model.read(['todos', id])).toEqualTypeOf<Todo | undefined>()
expectTypeOf(model.read(['todos', id, 'owner'])).toEqualTypeOf<Todo['owner']>()
expectTypeOf(model.read(['todos', id, 'owner', 'age'])).toEqualTypeOf<number | undefined>()
expectTypeOf(model.read(unknownPath)).toEqualTypeOf<JsonValue | undefined>()
expectTypeOf(model.keys(['todos'])).toEqualTypeOf<readonly string[]>()

// Updating.
expectTypeOf(model.update(['todos', id], { done: true })).toEqualTypeOf<Receipt>()
model.update([], { title: 'Shop' })
model.update(['todos', id, 'owner'], { name: 'Ada' })
model.update(['todos', id], {}, { unset: ['owner', 'tags'] })
// @ts-expect-error -- a prop that no todo has
model.update(['todos', id], { dnoe: true })
// @ts-expect-error -- a prop of another type
model.update(['todos', id], { done: 'yes' })
// @ts-expect-error -- no such place in the document
model.update(['taks', id], { done: true })
// @ts-expect-error -- no such place below a todo
model.update(['todos', id, 'onwer'], { name: 'Ada' })
// @ts-expect-error -- arrays are values, nothing lies below them
model.update(['todos', id, 'tags', '0'], {})
// @ts-expect-error -- strings are values, nothing lies below them
model.update(['title', 'x'], {})
// @ts-expect-error -- a key that no todo has
model.update(['todos', id], {}, { unset: ['onwer'] })

model.update(['todos', id], { done: true }, { expects: { props: { done: false }, since: 7 } })
model.update(['todos', id], { owner: { name: 'Ada' } }, { expects: { unset: ['owner'] } })
// @ts-expect-error -- a prop that no todo has
model.update(['todos', id], { done: true }, { expects: { props: { dnoe: false } } })
// @ts-expect-error -- a prop of another type
model.update(['todos', id], { done: true }, { expects: { props: { done: 'no' } } })
// @ts-expect-error -- a key that no todo has
model.update(['todos', id], { done: true }, { expects: { unset: ['onwer'] } })
// @ts-expect-error -- a count, not a time
model.update(['todos', id], { done: true }, { expects: { since: new Date() } })
// @ts-expect-error -- nothing that can be expected
model.update(['todos', id], { done: true }, { expects: { done: false } })
// @ts-expect-error -- only updates expect something
model.delete(['todos', id], { expects: { since: 7 } })

// What became of it.
declare const outcome: Outcome
if (outcome.kind === 'conflict') expectTypeOf(outcome.found).toEqualTypeOf<JsonObject>()
// @ts-expect-error -- only a conflict has both values
void outcome.given
declare const lost: LostCommand
if (lost.kind === 'conflict') expectTypeOf(lost.given).toEqualTypeOf<JsonObject>()
expectTypeOf(lost.path).toEqualTypeOf<readonly string[]>()

// Creating.
model.create(['todos'], { text: 'Milk' })
model.create(['todos'], { text: 'Milk', done: false }, { id, parentDefault: {} })
// @ts-expect-error -- a prop that no todo has
model.create(['todos'], { txet: 'Milk' })
// @ts-expect-error -- no such place in the document
model.create(['taks'], { text: 'Milk' })

// Deleting.
model.delete(['todos', id])
model.delete(['todos', id, 'owner'])
// @ts-expect-error -- no such place in the document
model.delete(['taks', id])

// A path that is made elsewhere is taken, and what is there is any JSON.
model.update(unknownPath, { anything: 1 })
model.delete(unknownPath)

// Where the document is not described, every path and prop of JSON goes.
expectTypeOf(loose.read(['any', 'place'])).toEqualTypeOf<JsonValue | undefined>()
loose.update(['any', 'place'], { n: 1, list: [null, { a: 'x' }] })
loose.create([], { deep: { deeper: [] } })
loose.delete(['any'])
// @ts-expect-error -- a Date is no JSON
loose.update([], { at: new Date() })
// @ts-expect-error -- a path is a list
loose.update('any', {})

// The types behind it.
expectTypeOf<At<TodoList, readonly ['todos', string]>>().toEqualTypeOf<Todo>()
expectTypeOf<At<TodoList, readonly ['taks']>>().toEqualTypeOf<never>()
expectTypeOf<PathIn<TodoList, readonly ['taks']>>().toEqualTypeOf<never>()
expectTypeOf<PropsAt<TodoList, readonly ['todos', string]>>().toEqualTypeOf<Partial<Todo>>()
expectTypeOf<ChildProps<TodoList, readonly ['todos']>>().toEqualTypeOf<Partial<Todo>>()
expectTypeOf<PropsAt<JsonObject, readonly ['a']>>().toEqualTypeOf<JsonObject>()

// Recipes write where the document itself is read-only.
edit(model, (draft) => {
  draft.todos[id]!.done = true
  draft.todos[id]!.tags?.push('x')
  delete draft.todos[id]
  // @ts-expect-error -- a prop that no todo has
  draft.todos[id]!.dnoe = true
})
// What a client's model is to a recipe.
declare const editable: Editable<TodoList>
edit(editable, (draft) => {
  draft.title = 'Shop'
  // @ts-expect-error -- a place that the document does not have
  draft.taks = {}
})
// @ts-expect-error -- a document is read-only
model.read().title = 'Shop'

// The fields of a document, with a star for the id of an item.
type Field = FieldPath<{ readonly a: { readonly [id: string]: { readonly n?: { x: 1 } } } }>
type Star = '*'
expectTypeOf<Field>().toEqualTypeOf<
  readonly ['a'] | readonly ['a', Star] | readonly ['a', Star, 'n'] | readonly ['a', Star, 'n', 'x']
>()
expectTypeOf<FieldPath<JsonObject>>().toEqualTypeOf<readonly string[]>()
defineModel({
  pattern: 'todos:$list',
  initial: (): TodoList => ({ todos: {}, title: '' }),
  rules: {
    can: (user: { id: string; role: string } | undefined, action, node) =>
      user?.role === 'admin' || (action === 'update' && node.read('done') === true),
    clientEditable: [['title'], ['todos', '*', 'done']],
    // @ts-expect-error -- a field that no todo has
    setOnce: [['todos', '*', 'dnoe']],
  },
})
defineModel({
  pattern: 'notes:$id',
  initial: (): TodoList => ({ todos: {}, title: '' }),
  // @ts-expect-error -- an item is named by a star
  rules: { setOnce: [['todos', 'a', 'done']] },
})
