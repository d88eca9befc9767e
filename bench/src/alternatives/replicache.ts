import { Replicache, type WriteTransaction } from 'replicache'
import type { Alternative, TodoList, Todos } from './alternative.ts'

type Store = Replicache<typeof mutators>

let opened = 0

const mutators = {
  async init(tx: WriteTransaction, todos: Record<string, { text: string; done: boolean }>) {
    for (const [id, todo] of Object.entries(todos)) await tx.set(`todo/${id}`, todo)
  },
  async setDone(tx: WriteTransaction, { ids, done }: { ids: string[]; done: boolean }) {
    for (const id of ids) {
      const key = `todo/${id}`
      const todo = await tx.get<{ text: string; done: boolean }>(key)
      await tx.set(key, { ...todo!, done })
    }
  },
}

/** In memory and without a server. */
class ReplicacheList implements TodoList {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  setDone(id: string, done: boolean): Promise<unknown> {
    return this.#store.mutate.setDone({ ids: [id], done })
  }

  setAllDone(ids: readonly string[], done: boolean): Promise<unknown> {
    return this.#store.mutate.setDone({ ids: [...ids], done })
  }

  readTodo(id: string): Promise<unknown> {
    return this.#store.query((tx) => tx.get(`todo/${id}`))
  }

  readAll(): Promise<unknown> {
    return this.#store.query((tx) => tx.scan({ prefix: 'todo/' }).values().toArray())
  }

  async toPlain(): Promise<Todos> {
    const entries = await this.#store.query((tx) =>
      tx.scan({ prefix: 'todo/' }).entries().toArray(),
    )
    return Object.fromEntries(
      entries.map(([key, todo]) => [key.slice(5), todo]),
    ) as unknown as Todos
  }
}

export const replicache: Alternative = {
  name: 'Replicache',
  async open(todos) {
    opened += 1
    const name = `todos-${opened}`
    const store: Store = new Replicache({ name, kvStore: 'mem', mutators, pullInterval: null })
    await store.mutate.init({ ...todos })
    return new ReplicacheList(store)
  },
}
