import { createClient, directTransport, type Model } from '@flushout/client'
import { World } from '@flushout/core/testing'
import { FlushoutProvider, useKeys, useModel, useNode } from '@flushout/react'
import { memo, Suspense } from 'react'
import { toTodoList, type Todo, type TodoList } from '../todos.ts'
import { showList, showRow, type List } from './list.tsx'

const KEY = 'todos:bench'

const Row = memo(function Row({ model, id }: { model: Model<TodoList>; id: string }) {
  const [todo, node] = useNode(model, ['todos', id])
  return showRow(todo!.text, (text) => node.update({ text }))
})

function Todos() {
  const model = useModel<TodoList>(KEY)
  const ids = useKeys(model, ['todos'])
  return showList(ids.map((id) => <Row key={id} model={model} id={id} />))
}

/** A client with its master in the same page; each row takes its own todo. */
export async function flushoutList(todos: readonly Todo[]): Promise<List> {
  const world = new World<TodoList>(toTodoList(todos))
  const transport = directTransport({
    snapshot: () => world.master.snapshot(),
    flush: (_key, flush) => world.master.apply(flush, { user: { id: 'ada' }, now: 0, seed: '' }),
  })
  const client = createClient({ transport, flush: { mode: 'manual' } })
  await client.model(KEY).ready
  const bob = world.join('bob')
  const element = (
    <FlushoutProvider client={client}>
      <Suspense>
        <Todos />
      </Suspense>
    </FlushoutProvider>
  )
  return {
    element,
    confirm: () => client.flush(),
    async hear(id) {
      bob.settle()
      bob.proxy.update(['todos', id], { text: 'by bob' })
      bob.flush()
      await client.flush()
    },
  }
}
