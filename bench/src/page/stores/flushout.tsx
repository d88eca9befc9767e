import { createClient, directTransport, onDevice } from '@flushout/client'
import { World } from '@flushout/core/testing'
import { FlushoutProvider, useFlushout } from '@flushout/react'
import { Suspense, type ReactElement } from 'react'
import { toTodoList, type TodoList } from '../todos.ts'
import { showTodos, type Store } from './store.tsx'

const KEY = 'todos:bench'
const storage = onDevice()

/** The document as it comes, as the other libraries give it. */
function Todos() {
  const [list] = useFlushout<TodoList>(KEY, { suspense: false })
  return list && showTodos(Object.values(list.todos))
}

function SuspendedTodos() {
  const [{ todos }] = useFlushout<TodoList>(KEY)
  return showTodos(Object.values(todos))
}

function open(children: ReactElement): ReactElement {
  const client = createClient({ url: '/flushout', storage })
  return <FlushoutProvider client={client}>{children}</FlushoutProvider>
}

export const flushoutStore: Store = {
  async fill(todos, edit) {
    const { master } = new World<TodoList>(toTodoList(todos))
    const transport = directTransport({
      snapshot: () => master.snapshot(),
      flush: (_key, flush) => master.apply(flush, { user: { id: 'ada' }, now: 0, seed: '' }),
    })
    const client = createClient({ transport, storage })
    const model = client.model<TodoList>(KEY)
    await model.ready
    client.pause()
    edit({
      create: ({ id, ...todo }) => model.create(['todos'], todo, { id }),
      update: (id, props) => model.update(['todos', id], props),
      delete: (id) => model.delete(['todos', id]),
    })
    while (!model.status.durable) await new Promise((resolve) => setTimeout(resolve, 20))
  },
  open: () => open(<Todos />),
}

/** The same, with a fallback until it is there. */
export const flushoutInSuspense: Store = {
  fill: (todos, edit) => flushoutStore.fill(todos, edit),
  open: () =>
    open(
      <Suspense>
        <SuspendedTodos />
      </Suspense>,
    ),
}
