import {
  createClient,
  directTransport,
  type Client,
  type ClientOptions,
  type Model,
  type Transport,
} from '@flushout/client'
import {
  createTestEnvironment,
  createTestNetwork,
  createTestServer,
  type TestEnvironment,
  type TestNetwork,
  type TestServer,
  type TestServerOptions,
} from '@flushout/client/testing'
import { onTestFinished } from 'vitest'

interface Todo {
  readonly text: string
  readonly done?: boolean
}

interface TodoList {
  readonly todos: { readonly [id: string]: Todo }
}

export const KEY = 'todos:groceries'

/** A client with a network and a clock of its own. */
export interface Player {
  readonly client: Client
  readonly model: Model<TodoList>
  readonly environment: TestEnvironment
  readonly network: TestNetwork
  /** Add a todo. */
  readonly type: (text: string) => void
  /** What the list shows. */
  readonly texts: () => string[]
}

type Way = 'url' | 'auth' | 'headers' | 'transport'

export interface PlayOptions extends Omit<ClientOptions, Way> {
  readonly transport?: Transport
  readonly name?: string
  /** Instead of repeatable numbers. */
  readonly random?: () => number
}

/** A server whose clients have to ask for news. */
export function serveTodos(options?: TestServerOptions): TestServer {
  return createTestServer({ [KEY]: { todos: {} } }, { isLive: false, ...options })
}

/** A server that tells its clients what happens, every 20 s if it is told to. */
export function serveLive(options?: TestServerOptions): TestServer {
  return createTestServer({ [KEY]: { todos: {} } }, { heartbeatMs: 20_000, ...options })
}

/** A client that has not asked for its model yet. */
export function join(
  server: TestServer,
  { name = 'ada', random, ...options }: PlayOptions = {},
): Player {
  const environment = createTestEnvironment({ seed: name, ...(random && { random }) })
  const network = createTestNetwork(directTransport(server))
  const client = createClient({ transport: network, environment, ...options })
  // Whatever a story ends with: nothing of it stays behind.
  onTestFinished(() => client.close())
  const model = client.model<TodoList>(KEY)
  return {
    client,
    model,
    environment,
    network,
    type: (text) => void model.create(['todos'], { text }),
    texts: () => textsOf(model.read()),
  }
}

/** A client that has loaded the list and watches it. */
export async function enter(server: TestServer, options?: PlayOptions): Promise<Player> {
  const player = join(server, options)
  player.model.watch()
  void player.model.ready
  await player.environment.settle()
  return player
}

/** What the master holds. */
export function textsOn(server: TestServer): string[] {
  return textsOf(server.snapshot(KEY).document as unknown as TodoList)
}

function textsOf(list: TodoList | undefined): string[] {
  return Object.values(list?.todos ?? {}).map(({ text }) => text)
}

/** A client that has loaded the list, watches it, and hears what happens to it. */
export async function listen(server: TestServer, options?: PlayOptions): Promise<Player> {
  const player = await enter(server, options)
  await player.environment.advance(20)
  return player
}

/** Somebody else adds a todo. */
export async function add(server: TestServer, text: string, name = 'bob'): Promise<void> {
  const { client, model, type } = join(server, { name, flush: { mode: 'manual' } })
  await model.ready
  type(text)
  await client.flush()
  client.close()
}
