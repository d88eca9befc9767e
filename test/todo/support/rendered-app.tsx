// A page with two lists, as the server renders it and the browser takes it over.
import type { Client } from '@flushout/client'
import { FlushoutProvider, Prefetch, useFlushout, useSyncStatus } from '@flushout/react'
import { Suspense } from 'react'
import type { TodoList } from './world.ts'

export function RenderedApp({ client, user }: { client: Client; user: string }) {
  return (
    <html lang="en">
      <head>
        <title>Lists</title>
      </head>
      <body data-user={user}>
        <FlushoutProvider client={client}>
          <Part of={`todos:${user}`} />
          <Part of="slow:list" />
        </FlushoutProvider>
      </body>
    </html>
  )
}

function Part({ of: key }: { of: string }) {
  return (
    <Suspense fallback={<p>{`Loading ${key}`}</p>}>
      <Prefetch keys={[key]}>
        <List of={key} />
      </Prefetch>
    </Suspense>
  )
}

function List({ of: key }: { of: string }) {
  const [{ todos }, model] = useFlushout<TodoList>(key)
  const { commandCount, queued, lastSyncedAt } = useSyncStatus(model)
  const add = () => model.create(['todos'], { text: 'Bread', done: false })
  return (
    <section
      aria-label={key}
      data-count={commandCount}
      data-synced={queued > 0 ? '' : lastSyncedAt}
    >
      <ul>
        {Object.entries(todos).map(([id, { text }]) => (
          <li key={id}>{text}</li>
        ))}
      </ul>
      <button onClick={add}>Add</button>
    </section>
  )
}
