// One device with a disk that can fail, a server, and pages that open one after the
// other. A page that is closed here ends without another word.
import {
  createClient,
  directTransport,
  onDevice,
  type Client,
  type ClientOptions,
  type Model,
} from '@flushout/client'
import {
  createTestDisk,
  createTestEnvironment,
  createTestNetwork,
  createTestServer,
  type TestDisk,
  type TestEnvironment,
  type TestNetwork,
  type TestServer,
  type TestServerOptions,
} from '@flushout/client/testing'
import type { JsonObject } from '@flushout/core'
import { onTestFinished } from 'vitest'

export const KEY = 'todos:groceries'

export interface Todo {
  readonly text?: string
  readonly done?: boolean
  readonly by?: string
}

export interface TodoList {
  readonly todos: { readonly [id: string]: Todo }
}

type PageOptions = Pick<
  ClientOptions,
  'storage' | 'transport' | 'flush' | 'interceptors' | 'resolve'
>

export interface DevicePage {
  readonly client: Client
  readonly environment: TestEnvironment
  readonly network: TestNetwork
  readonly model: Model<TodoList>
  /** The texts of all todos, as they show here. */
  texts(): (string | undefined)[]
}

export class DeviceWorld {
  readonly server: TestServer
  // It is given up, and tried again, by the clock of the page that opened last.
  readonly disk: TestDisk
  #environment: TestEnvironment | undefined
  #pages = 0

  constructor(todos: TodoList['todos'] = {}, options?: TestServerOptions) {
    this.server = createTestServer({ [KEY]: { todos } as unknown as JsonObject }, options)
    this.disk = createTestDisk({
      setTimer: (callback, delayMs) => this.#environment!.setTimer(callback, delayMs),
    })
  }

  /** Open a page that keeps things on the disk. It loads the model when it is waited for. */
  open(options: PageOptions = {}): DevicePage {
    return this.#open({ storage: onDevice({ storage: this.disk.open() }), ...options })
  }

  /** Open a page of somebody else, who keeps nothing. */
  visit(): DevicePage {
    return this.#open({})
  }

  /** What the master holds. */
  get todos(): TodoList['todos'] {
    return (this.server.master(KEY).snapshot().document as unknown as TodoList).todos
  }

  #open(options: PageOptions): DevicePage {
    const environment = createTestEnvironment({
      seed: `page ${(this.#pages += 1)}`,
      now: this.#pages * 1_000_000_000,
    })
    if (options.storage) this.#environment = environment
    const network = createTestNetwork(directTransport(this.server))
    const client = createClient({
      transport: network,
      environment,
      user: { id: 'ada' },
      ...options,
    })
    onTestFinished(() => client.close())
    const model = client.model<TodoList>(KEY)
    model.subscribe(() => {})
    const texts = () => Object.values(model.read()?.todos ?? {}).map(({ text }) => text)
    return { client, environment, network, model, texts }
  }
}

/** What a promise has come to; undefined while it is open. */
export async function peek<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, Promise.resolve(undefined)])
}
