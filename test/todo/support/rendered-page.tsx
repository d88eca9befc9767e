// Runs in a browser: takes over the page that the server rendered.
import { createClient } from '@flushout/client'
import { hydrateRoot } from 'react-dom/client'
import { RenderedApp } from './rendered-app.tsx'

const user = document.body.dataset['user']!
const client = createClient({ url: '/flushout' })
hydrateRoot(document, <RenderedApp client={client} user={user} />, {
  onRecoverableError: (error) => console.error('Not as the server rendered it:', error),
})
