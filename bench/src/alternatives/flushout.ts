import { CommandProxy, createIdFactory } from '@flushout/core'
import { getRandomValues } from 'node:crypto'
import { agree } from '../client/agree.ts'
import type { Alternative, TodoList, Todos } from './alternative.ts'

export const createId: () => string = createIdFactory({
  now: () => Date.now(),
  fillRandom: (bytes) => void getRandomValues(bytes as Uint8Array<ArrayBuffer>),
})

type TodoProxy = CommandProxy<{ todos: Todos }>

function createProxy(todos: Todos): TodoProxy {
  const options = { createId, now: () => Date.now() }
  return new CommandProxy({ commandCount: 0, hash: 'h', document: { todos } }, options)
}

/** Confirm everything queued, as a master would that is always of the same opinion. */
function drain(proxy: TodoProxy): void {
  for (let flush = proxy.beginFlush(); flush; flush = proxy.beginFlush()) {
    proxy.endFlush(agree(flush))
  }
}

class FlushoutList implements TodoList {
  readonly #proxy: TodoProxy

  constructor(todos: Todos) {
    this.#proxy = createProxy(todos)
  }

  setDone(id: string, done: boolean): void {
    this.#proxy.update(['todos', id], { done })
  }

  setAllDone(ids: readonly string[], done: boolean): void {
    this.#proxy.batch(() => {
      for (const id of ids) this.#proxy.update(['todos', id], { done })
    })
  }

  readTodo(id: string): unknown {
    return this.#proxy.read(['todos', id])
  }

  readAll(): unknown {
    return this.#proxy.read()
  }

  toPlain(): Todos {
    return this.#proxy.read().todos
  }

  settle(): void {
    drain(this.#proxy)
  }
}

export const flushout: Alternative = { name: 'Flushout', open: (todos) => new FlushoutList(todos) }
