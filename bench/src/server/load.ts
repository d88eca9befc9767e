// Writers that flush as fast as they are answered, and what they write to.
import type { Flush, JsonObject } from '@flushout/core'
import {
  allowAnyone,
  createService,
  postgresStore,
  type FlushoutService,
  type ModelStore,
  type ServiceOptions,
} from '@flushout/server'

/** A document of about `bytes` characters, in todos of 100. */
export function makeDocument(bytes: number): JsonObject {
  const todo = (n: number) => ({ text: `Todo number ${n} `.padEnd(60, '.'), done: false })
  const count = Math.ceil(bytes / 100)
  return { todos: Object.fromEntries(Array.from({ length: count }, (_, n) => [`t${n}`, todo(n)])) }
}

/** One writer: its place in a row of flushes, and how to make the next one. */
export class Writer {
  readonly #clientId: string
  #sequence = 0
  #from = 0
  #hash = ''

  /** How many commands its last answer told of. */
  get commandCount(): number {
    return this.#from
  }

  /** How many flushes were answered. */
  get flushes(): number {
    return this.#sequence
  }

  constructor(name: string) {
    this.#clientId = name
  }

  async flush(service: FlushoutService, key: string): Promise<void> {
    const flush: Flush = {
      protocol: 1,
      clientId: this.#clientId,
      sequence: this.#sequence + 1,
      from: this.#from,
      hash: this.#hash,
      commands: [
        { action: 'update', path: ['todos', 't0'], props: { text: `by ${this.#clientId}` } },
        { action: 'update', path: ['todos', 't1'], props: { done: this.#sequence % 2 === 0 } },
      ],
    }
    const answer = await service.flush(key, flush)
    this.#sequence += 1
    this.#from = answer.commandCount
    this.#hash = answer.hash
  }
}

/** A service on the database of `url`; each kind of models has its document. */
export async function createFlushout(
  url: string,
  documents: Readonly<Record<string, JsonObject>>,
  options: Partial<ServiceOptions> = {},
): Promise<FlushoutService> {
  const store = postgresStore({ connectionString: url })
  await store.migrate()
  return createService({
    store,
    authorize: allowAnyone,
    models: Object.entries(documents).map(([name, initial]) => ({ pattern: `${name}:*`, initial })),
    ...options,
  })
}

/** The same store, which tells of each model that is loaded. */
export function countLoads(store: ModelStore, onLoad: () => void): ModelStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name === 'load') onLoad()
      return value.bind(target) as unknown
    },
  })
}
