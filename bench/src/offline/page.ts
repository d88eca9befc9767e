// Runs in the browser: a page that keeps one list on the device.
import { createClient, indexedDbStorage, onDevice, type Model } from '@flushout/client'

interface TodoList {
  readonly todos: { readonly [id: string]: { readonly text: string; readonly done: boolean } }
}

/** What the benchmark asks of its page. */
export interface OfflinePage {
  /** Open the list; gives how long it takes until the document can be read, and that it is whole. */
  open(): Promise<{ readonly ms: number; readonly todos: number; readonly unsent: number }>
  /** Make edits of all kinds, and wait until they are on the device. */
  edit(count: number): Promise<void>
  /** How long it takes to open the database and to read all rows of it, and nothing else. */
  readRows(): Promise<number>
}

const NAME = 'bench'
let model: Model<TodoList>

const offlinePage: OfflinePage = {
  async open() {
    const start = performance.now()
    const client = createClient({ url: '/flushout', storage: onDevice({ name: NAME }) })
    model = client.model<TodoList>('todos:bench')
    await model.ready
    const { todos } = model.read()!
    const ms = performance.now() - start
    const { queued, inFlight } = model.status
    return { ms, todos: Object.keys(todos).length, unsent: queued + inFlight }
  },
  async edit(count) {
    const ids = model.keys(['todos'])
    for (let index = 0; index < count; index += 1) {
      const id = ids[index * 7]!
      if (index % 4 === 0) model.create(['todos'], { text: `Thing ${index}`, done: false })
      else if (index % 4 === 1) model.update(['todos', id], { done: true })
      else if (index % 4 === 2) model.update(['todos', id], { text: `Other ${index}` })
      else model.delete(['todos', id])
    }
    while (!model.status.durable) await new Promise((resolve) => setTimeout(resolve, 20))
  },
  async readRows() {
    const start = performance.now()
    await indexedDbStorage({ name: NAME }).read([])
    return performance.now() - start
  },
}

Object.assign(globalThis, { offlinePage })
