// Compiled by `tsc -b`, never run: what is wrong must not compile.
import type {
  Client,
  Draft,
  Model,
  ModelPreview,
  ModelStatus,
  ModelVerdict,
  Peer,
} from '@flushout/client'
import { dehydrate, hydrate } from '@flushout/client/hydration'
import type { JsonObject, JsonValue, Receipt } from '@flushout/core'
import {
  FlushoutProvider,
  Prefetch,
  useDraft,
  useDurable,
  useFeed,
  useFlushout,
  useKeys,
  useModel,
  useNode,
  useOthers,
  usePresence,
  useRejections,
  useSyncStatus,
  useVerdicts,
  type NodeHandle,
} from '@flushout/react'
import { expectTypeOf } from 'vitest'
import type { Todo, TodoList } from './support/world.tsx'

export function Drafts({ model }: { model: Model<TodoList> }) {
  const draft = useDraft(model)
  expectTypeOf(draft).toEqualTypeOf<Draft<TodoList> | undefined>()
  expectTypeOf(useNode(draft!, ['todos', 'a'])[0]).toEqualTypeOf<Todo | undefined>()
  useKeys(draft!, ['todos'])
  // @ts-expect-error There is no such path in the document.
  useNode(draft!, ['todo', 'a'])
  // @ts-expect-error There is no such path in the document.
  useKeys(draft!, ['todo'])
  // @ts-expect-error There is no such prop.
  draft!.update(['todos', 'a'], { txt: '' })
}

export function Documents() {
  const [list, todos] = useFlushout<TodoList>('key')
  expectTypeOf(list).toEqualTypeOf<TodoList>()
  expectTypeOf(todos).toEqualTypeOf<Model<TodoList>>()
  expectTypeOf(useFlushout('key')[0]).toEqualTypeOf<JsonObject>()

  expectTypeOf(useFlushout<TodoList, string>('key', (d) => d.title)[0]).toEqualTypeOf<string>()
  expectTypeOf(useFlushout('key', (d: TodoList) => d.title)[0]).toEqualTypeOf<string>()
  // @ts-expect-error There is no such property in the document.
  useFlushout<TodoList, string>('key', (d) => d.name)

  const plain = useFlushout<TodoList>('key', { suspense: false })
  expectTypeOf(plain).toEqualTypeOf<[TodoList | undefined, Model<TodoList>, ModelStatus]>()
  // @ts-expect-error The document may not be there yet.
  void plain[0].title
  // @ts-expect-error Suspending is what happens without options.
  useFlushout<TodoList>('key', { suspense: true })
  // @ts-expect-error A model has a key.
  useFlushout<TodoList>()
  // @ts-expect-error A document is an object.
  useFlushout<number>('key')

  expectTypeOf(useModel<TodoList>('key')).toEqualTypeOf<Model<TodoList>>()
  expectTypeOf(useSyncStatus(todos)).toEqualTypeOf<ModelStatus>()
  const rejection = useRejections(todos)[0]!
  expectTypeOf(rejection.dismiss).toEqualTypeOf<() => void>()
  expectTypeOf(rejection.retry).toEqualTypeOf<() => Receipt>()
  expectTypeOf(useDurable()).toEqualTypeOf<boolean>()
  useVerdicts((verdict) => expectTypeOf(verdict).toEqualTypeOf<ModelVerdict>())
  expectTypeOf(todos.preview()).toEqualTypeOf<Promise<ModelPreview>>()
  // @ts-expect-error A command that was applied is not among them.
  void (rejection.kind === 'applied')
}

export function Keys({ todos }: { todos: Model<TodoList> }) {
  const ids = useKeys(todos, ['todos'])
  expectTypeOf(ids).toEqualTypeOf<readonly string[]>()
  // @ts-expect-error The keys cannot be changed in place.
  ids.push('c')
  useKeys(todos, [])
  // @ts-expect-error There is no such place in the document.
  useKeys(todos, ['todo'])
}

export function Nodes({ todos, id }: { todos: Model<TodoList>; id: string }) {
  const [todo, node] = useNode(todos, ['todos', id])
  expectTypeOf(todo).toEqualTypeOf<Todo | undefined>()
  expectTypeOf(node).toEqualTypeOf<NodeHandle<Todo>>()
  expectTypeOf(node.update({ done: true })).toEqualTypeOf<Receipt>()
  node.update({}, { unset: ['done'], wait: true })
  node.update({ done: true }, { expects: { props: { done: false }, since: 7 } })
  // @ts-expect-error -- a prop that no todo has
  node.update({ done: true }, { expects: { props: { dnoe: false } } })
  node.delete({ wait: true })
  // @ts-expect-error Who waits says so.
  node.delete({ wait: 'yes' })
  // @ts-expect-error A slip of the finger.
  node.update({ dnoe: true })
  // @ts-expect-error A todo is done or not.
  node.update({ done: 'yes' })
  // @ts-expect-error A todo has no such key.
  node.update({}, { unset: ['dnoe'] })
  // @ts-expect-error There is nothing to create below a todo.
  node.create({ text: 'coffee' })

  const [, container] = useNode(todos, ['todos'])
  expectTypeOf(container.create({ text: 'coffee' }, { wait: true })).toEqualTypeOf<Receipt>()
  // @ts-expect-error A todo has no such property.
  container.create({ txet: 'coffee' })

  // @ts-expect-error There is no such place in the document.
  useNode(todos, ['todo', id])
  // @ts-expect-error A value is not a place: text has nothing below it.
  useNode(todos, ['todos', id, 'text', 'length'])
}

export function NamedNodes({ anything }: { anything: Model }) {
  const [todo, node] = useNode<Todo>(anything, ['todos', 'a'])
  expectTypeOf(todo).toEqualTypeOf<Todo | undefined>()
  // @ts-expect-error A slip of the finger.
  node.update({ dnoe: true })
  expectTypeOf(useNode(anything, ['todos', 'a'])[0]).toEqualTypeOf<JsonValue | undefined>()
}

export function Prefetched({ client }: { client: Client }) {
  expectTypeOf(client.prefetch(['key'])).toEqualTypeOf<Promise<void>>()
  expectTypeOf(dehydrate(client)).toEqualTypeOf<string>()
  expectTypeOf(hydrate(client, '')).toEqualTypeOf<void>()
  // @ts-expect-error What `dehydrate` gives is text.
  hydrate(client, {})
  // @ts-expect-error Nobody knows which models.
  const without = <Prefetch />
  // @ts-expect-error There may be several.
  const one = <Prefetch keys="todos:groceries" />
  return [without, one, <Prefetch key="" keys={['todos:groceries']} />]
}

// @ts-expect-error A provider needs a client.
export const orphan = <FlushoutProvider />

export function Others() {
  const todos = useModel<TodoList>('key')
  expectTypeOf(useOthers<{ name: string }>(todos)).toEqualTypeOf<
    readonly Peer<{ name: string }>[]
  >()
  expectTypeOf(useOthers(todos)[0]!.state).toEqualTypeOf<JsonObject>()
  usePresence(todos, { name: 'Ada', editing: undefined })
  // @ts-expect-error What is told of a page is an object.
  usePresence(todos, 'Ada')
  useFeed(todos, { path: ['todos'] }, (event) => {
    if (event.kind === 'publish') expectTypeOf(event.item).toEqualTypeOf<JsonObject>()
    expectTypeOf(event.clientId).toEqualTypeOf<string>()
    // @ts-expect-error Not every event has it.
    void event.item
  })
  return null
}
