import type { Model } from '@flushout/client'
import {
  useFlushout,
  useKeys,
  useModel,
  useNode,
  useRejections,
  useSyncStatus,
} from '@flushout/react'

interface TodoList {
  title: string
  todos: { [id: string]: { text: string; done?: boolean } }
}

export function Todos() {
  // Suspends until loaded. Edits do not render this component, only their rows.
  const model = useModel<TodoList>('todos:groceries')
  const ids = useKeys(model, ['todos'])
  return (
    <>
      <Title />
      <ul>
        {ids.map((id) => (
          <Todo key={id} model={model} id={id} />
        ))}
      </ul>
      <button onClick={() => model.create(['todos'], { text: 'Coffee' })}>Add coffee</button>
      <Sync model={model} />
    </>
  )
}

function Title() {
  const [title, model] = useFlushout<TodoList, string>('todos:groceries', (list) => list.title)
  return (
    <input value={title} onChange={(event) => model.update([], { title: event.target.value })} />
  )
}

function Todo({ model, id }: { model: Model<TodoList>; id: string }) {
  const [todo, node] = useNode(model, ['todos', id])
  if (!todo) return null
  return (
    <li>
      <label>
        <input
          type="checkbox"
          checked={todo.done ?? false}
          onChange={(event) => node.update({ done: event.target.checked })}
        />
        {todo.text}
      </label>
      <button onClick={() => node.delete()}>Delete</button>
    </li>
  )
}

function Sync({ model }: { model: Model<TodoList> }) {
  const { state, queued, inFlight } = useSyncStatus(model)
  const rejections = useRejections(model)
  return (
    <footer>
      {state}, {queued + inFlight} not yet saved
      {rejections.map(({ id, rejection, dismiss }) => (
        <p key={id} role="alert">
          {rejection.message} <button onClick={dismiss}>OK</button>
        </p>
      ))}
    </footer>
  )
}
