// Pages with one storage, as those of one browser, and a server for them.
import {
  createClient,
  directTransport,
  memoryStorage,
  onDevice,
  type ClientStorage,
} from '@flushout/client'
import {
  createTestEnvironment,
  createTestNetwork,
  createTestServer,
  type TestServerOptions,
} from '@flushout/client/testing'
import type { Interceptor } from '@flushout/core'
import { onTestFinished } from 'vitest'
import type { TabEnvironment } from '../../src/tabs/tab-environment.ts'

export interface TodoList {
  readonly todos: { readonly [id: string]: { readonly text: string } }
}

export const KEY = 'todos:groceries'
export const OTHER_KEY = 'todos:work'

export type Page = ReturnType<ReturnType<typeof createWorld>['open']>

interface PageOptions {
  readonly user?: string
  /** Undefined where pages cannot find each other. */
  readonly tabs?: TabEnvironment | undefined
  /** In place of that which all pages share. */
  readonly storage?: ClientStorage
  readonly interceptors?: readonly Interceptor[]
}

export function createWorld(options?: TestServerOptions) {
  const server = createTestServer({ [KEY]: { todos: {} }, [OTHER_KEY]: { todos: {} } }, options)
  const storage = memoryStorage()
  let pages = 0
  const start = ({
    user = 'ada',
    tabs,
    storage: own = storage,
    interceptors = [],
  }: PageOptions = {}) => {
    const environment = createTestEnvironment({
      seed: `page ${(pages += 1)}`,
      now: pages * 1_000_000,
    })
    const network = createTestNetwork(directTransport(server))
    const client = createClient({
      transport: network,
      environment,
      user: { id: user },
      interceptors,
      storage: onDevice({ storage: own, tabs }),
    })
    onTestFinished(() => client.close())
    /** Let everything happen that can, without the network. */
    return { client, environment, network, settle: () => environment.settle() }
  }
  /** A page that shows the list. */
  const open = (options?: PageOptions) => {
    const page = start(options)
    const model = page.client.model<TodoList>(KEY)
    model.subscribe(() => {})
    return {
      ...page,
      model,
      add: (text: string) => model.create(['todos'], { text }),
      texts: () => Object.values(model.read()?.todos ?? {}).map(({ text }) => text),
    }
  }
  /** What the server has. */
  const texts = (key = KEY) =>
    Object.values((server.master(key).snapshot().document as unknown as TodoList).todos).map(
      ({ text }) => text,
    )
  return { server, storage, start, open, texts }
}

/** Let time pass for all of them together. */
export async function pass(ms: number, ...pages: readonly Pick<Page, 'environment'>[]) {
  for (let left = ms; left > 0; left -= 100) {
    for (const { environment } of pages) await environment.advance(Math.min(left, 100))
  }
}
