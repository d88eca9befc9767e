import type { Benchmark } from './section.ts'

/** The benchmarks in the order in which they run, and how each is loaded: it brings much with it. */
export const catalogue: { readonly [name: string]: () => Promise<Benchmark> } = {
  // In the browser.
  edit: () => import('../client/edit.ts'),
  memory: () => import('../client/memory.ts'),
  sync: () => import('../client/sync.ts'),
  undo: () => import('../client/undo.ts'),
  render: () => import('../page/render.ts'),
  start: () => import('../page/start.ts'),
  size: () => import('../size/size.ts'),
  // On the server, without HTTP.
  commit: () => import('../server/commit.ts'),
  documents: () => import('../server/documents.ts'),
  instances: () => import('../server/instances.ts'),
  cold: () => import('../server/cold.ts'),
  past: () => import('../server/past.ts'),
  day: () => import('../server/day.ts'),
  observe: () => import('../server/observe.ts'),
  // All of it.
  http: () => import('../http/http.ts'),
  team: () => import('../live/team.ts'),
  crowd: () => import('../live/crowd.ts'),
  connections: () => import('../live/connections.ts'),
  broadcast: () => import('../live/broadcast.ts'),
  restart: () => import('../live/restart.ts'),
}
