import { createClient } from '@flushout/client'
import { FlushoutProvider, useFlushout, useSyncStatus } from '@flushout/react'
import { Suspense } from 'react'
import { todoList } from './todo-list.ts'

const client = createClient({ url: '/flushout', models: [todoList] })

export function App() {
  return (
    <FlushoutProvider client={client}>
      <Suspense fallback="Loading …">
        <Todos />
      </Suspense>
    </FlushoutProvider>
  )
}

function Todos() {
  const [list, model] = useFlushout('todos:groceries')
  const { queued, inFlight } = useSyncStatus(model)
  return (
    <>
      {Object.entries(list.todos).map(([id, { text, done }]) => (
        <label key={id}>
          <input
            type="checkbox"
            checked={done}
            onChange={() => model.update(['todos', id], { done: !done })}
          />
          {text}
        </label>
      ))}
      <button onClick={() => model.create(['todos'], { text: 'Coffee', done: false })}>Add</button>
      <p>{queued + inFlight === 0 ? 'Saved' : 'Saving …'}</p>
    </>
  )
}
