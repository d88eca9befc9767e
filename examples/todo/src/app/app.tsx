import { createClient, onDevice, type Client } from '@flushout/client'
import { ClientPanel } from './client-panel.tsx'
import { ListAddress } from './list-address.tsx'
import { todoList } from '../todo-list.ts'
import { lazy, Suspense } from 'react'

declare module '@flushout/client' {
  interface Register {
    models: [typeof todoList]
  }
}

// Two clients in one page, to see them work together. Each has a proxy of its
// own, and keeps what it must not forget in a place of its own, as two people on two
// devices would; they know of each other only what the server tells them.
const clients = { A: connect('A'), B: connect('B') }

function connect(name: string): Client {
  return createClient({
    url: '/flushout',
    storage: onDevice({ name: `todos of ${name}` }),
    flush: { retryMaxMs: 2_000 },
    models: [todoList],
  })
}

// Not loaded by who does not ask for it.
const Devtools = lazy(async () => {
  const { FlushoutDevtools } = await import('@flushout/react/devtools')
  return { default: FlushoutDevtools }
})

export function App() {
  const list = decodeURIComponent(location.pathname.split('/').at(-1) ?? '')
  const title = list.charAt(0).toUpperCase() + list.slice(1).replaceAll('-', ' ')
  return (
    <>
      <title>{`${title} – todos`}</title>
      <header className="page-header">
        <h1>{title}</h1>
        <ListAddress />
      </header>
      <main className="panels">
        {Object.entries(clients).map(([name, client]) => (
          <ClientPanel key={name} name={name} client={client} modelKey={`todos:${list}`} />
        ))}
      </main>
      {new URLSearchParams(location.search).has('devtools') && (
        <Suspense>
          <Devtools clients={clients} />
        </Suspense>
      )}
    </>
  )
}
