import {
  PROTOCOL,
  type Command,
  type Flush,
  type FlushAnswer,
  type JsonObject,
  type User,
} from '@flushout/core'
import {
  allowAnyone,
  createService,
  memoryStore,
  type FlushoutService,
  type ModelStore,
  type ServiceOptions,
} from '@flushout/server'

export const KEY = 'todos:groceries'

/** A service over one kind of models, `todos:*`, in which everybody may do everything. */
export function createTestService(
  options: Partial<ServiceOptions> & Pick<ServiceOptions['models'][0], 'interceptors'> = {},
): FlushoutService {
  const { interceptors = [], ...others } = options
  return createService({
    store: memoryStore(),
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*', initial: { todos: {} }, interceptors }],
    ...others,
  })
}

/** One client of one model: numbers its flushes and remembers what was confirmed. */
export class Writer {
  readonly clientId: string
  readonly key: string
  readonly user: User | undefined
  service: FlushoutService
  sequence = 0
  from = 0
  hash = ''

  constructor(
    service: FlushoutService,
    clientId: string,
    options: { key?: string; user?: User } = {},
  ) {
    this.service = service
    this.clientId = clientId
    this.key = options.key ?? KEY
    this.user = options.user
  }

  /** The flush that `flush` would send next. */
  next(commands: readonly Command[]): Flush {
    const { clientId, from, hash } = this
    return { protocol: PROTOCOL, clientId, sequence: this.sequence + 1, from, hash, commands }
  }

  /** Send a flush; believe its answer. */
  async send(flush: Flush): Promise<FlushAnswer> {
    const answer = await this.service.flush(this.key, flush, this.user)
    this.sequence = Math.max(this.sequence, flush.sequence)
    this.from = answer.commandCount
    this.hash = answer.hash
    return answer
  }

  flush(...commands: Command[]): Promise<FlushAnswer> {
    return this.send(this.next(commands))
  }

  add(id: string, props: JsonObject = { text: id }): Promise<FlushAnswer> {
    return this.flush(add(id, props))
  }

  /** Ask for news, with nothing to tell: that takes no sequence. */
  async pull(): Promise<FlushAnswer> {
    const { sequence } = this
    const answer = await this.flush()
    this.sequence = sequence
    return answer
  }

  async todos(): Promise<JsonObject> {
    const { document } = await this.service.snapshot(this.key, this.user)
    return document['todos'] as JsonObject
  }
}

/** The command that adds a todo. */
export function add(id: string, props: JsonObject = { text: id }): Command {
  return { action: 'create', path: ['todos'], id, props }
}

/** A store that behaves like `store`, but for what `changes` say. */
export function wrapStore(store: ModelStore, changes: Partial<ModelStore>): ModelStore {
  return new Proxy(store, {
    get(target, name) {
      const change = (changes as Record<string | symbol, unknown>)[name]
      if (change !== undefined) return change
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A store that counts the calls of each method. */
export function countCalls(store: ModelStore): {
  store: ModelStore
  calls: Record<string, number>
} {
  const calls: Record<string, number> = {}
  const counting = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        calls[String(name)] = (calls[String(name)] ?? 0) + 1
        return value.apply(target, args)
      }
    },
  })
  return { store: counting, calls }
}

/** The code with which `promise` is refused. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return (error as { code: string }).code
  }
  throw new Error('was not refused')
}
