/** The benchmarks in the order in which they run, and the module of each. */
export const catalogue: { readonly [name: string]: string } = {
  // In the browser.
  edit: '../client/edit.ts',
  memory: '../client/memory.ts',
  sync: '../client/sync.ts',
  undo: '../client/undo.ts',
  render: '../page/render.ts',
  start: '../page/start.ts',
  size: '../size/size.ts',
  // On the server, without HTTP.
  commit: '../server/commit.ts',
  documents: '../server/documents.ts',
  instances: '../server/instances.ts',
  cold: '../server/cold.ts',
  past: '../server/past.ts',
  day: '../server/day.ts',
  observe: '../server/observe.ts',
  // All of it.
  http: '../http/http.ts',
  team: '../live/team.ts',
  crowd: '../live/crowd.ts',
  connections: '../live/connections.ts',
  broadcast: '../live/broadcast.ts',
  restart: '../live/restart.ts',
}
