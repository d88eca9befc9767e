import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import './style.css'

// Without the network nobody leads from here to a list.
if (location.pathname === '/') history.replaceState(undefined, '', '/lists/groceries')

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)

// Where there is none, the app runs for as long as it can be loaded.
void navigator.serviceWorker?.register('/service-worker.js').catch(() => {})
