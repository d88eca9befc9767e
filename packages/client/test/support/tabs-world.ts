import { createClient, directTransport, type Client, type Model } from '@flushout/client'
import {
  createTestEnvironment,
  createTestNetwork,
  createTestServer,
  type Live,
  type TestEnvironment,
  type TestNetwork,
  type TestServer,
} from '@flushout/client/testing'
import type { JsonObject } from '@flushout/core'
import { onTestFinished } from 'vitest'
import { gatewayLock } from '../../src/tabs/tab-lines.ts'
import { tabTransport, type TabTransport } from '../../src/tabs/tab-transport.ts'
import { TestBrowser, TestTab } from './test-browser.ts'

/** A tab with a client, in the browser of `TabsWorld`. */
export interface OpenTab {
  readonly tab: TestTab
  readonly client: Client
  readonly transport: TabTransport
  /** Between this tab and the server. */
  readonly network: TestNetwork
  /** End it, as a crash does. */
  kill(): void
}

/** Several tabs of one browser, with one clock, before a server in memory. */
export class TabsWorld {
  readonly environment: TestEnvironment = createTestEnvironment()
  readonly server: TestServer
  readonly browser = new TestBrowser()
  readonly tabs: OpenTab[] = []

  constructor(documents: Readonly<Record<string, JsonObject>> = { list: { count: 0 } }) {
    this.server = createTestServer(documents, { heartbeatMs: 20_000 })
  }

  /** Open so many tabs; the first of all is the gateway. */
  async open(count: number): Promise<OpenTab[]> {
    const opened = Array.from({ length: count }, () => this.#open())
    await this.environment.settle()
    return opened
  }

  /** The tab that speaks with the server. */
  get gateway(): OpenTab | undefined {
    const holder = this.browser.holderOf(gatewayLock('app'))
    return this.tabs.find(({ tab }) => tab === holder)
  }

  /** All streams to the server that are open, by whichever tab. */
  get streams(): Live[] {
    return this.tabs.flatMap(({ network }) => network.streams)
  }

  /** Let all tabs load `key` and be live. */
  async load(key: string, tabs: readonly OpenTab[] = this.tabs): Promise<Model[]> {
    const models = tabs.map(({ client }) => client.model(key))
    for (const model of models) onTestFinished(model.subscribe(() => {}))
    await Promise.all([...models.map((model) => model.ready), this.environment.advance(100)])
    await this.environment.advance(100)
    return models
  }

  #open(): OpenTab {
    const { environment } = this
    const tab = this.browser.open()
    const network = createTestNetwork(directTransport(this.server))
    const transport = tabTransport(network, { name: 'app', tabs: tab, environment })
    const client = createClient({ transport, environment })
    const end = () => {
      client.close()
      transport.close()
    }
    onTestFinished(end)
    const kill = () => {
      tab.kill()
      network.dropRequests()
      network.cut()
      end()
    }
    const open = { tab, client, transport, network, kill }
    this.tabs.push(open)
    return open
  }
}
