import type { Flush, LiveRequest, PresenceRequest } from '@flushout/core'
import { toExchangeError } from '../exchange-error.ts'
import type { Transport } from '../transport.ts'
import type { TabEnvironment, TabLine } from './tab-environment.ts'
import type { TabLife } from './tab-life.ts'
import { tabLine } from './tab-lines.ts'
import {
  toFailure,
  type CommonMessage,
  type GatewayMessage,
  type Method,
  type TabMessage,
} from './tab-messages.ts'

export interface GatewayOptions {
  readonly name: string
  readonly tabs: TabEnvironment
  /** Tells when tabs are gone. */
  readonly life: TabLife
  /** What the tabs work through. */
  readonly transport: Transport
}

type Ask = Extract<TabMessage, { kind: 'ask' }>

interface Work {
  readonly method: Method
  readonly abort: AbortController
}

interface Client {
  readonly line: TabLine
  /** What is under way for it. */
  readonly asks: Map<number, Work>
  readonly unwatch: () => void
}

/** Speaks with the server for other tabs. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #clients = new Map<string, Client>()

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  /** Take what a tab said to all. */
  hear(message: CommonMessage): void {
    if (message.kind === 'who') this.#serve(message)
    else if (message.kind === 'bye') this.#drop(message.tab)
  }

  /** Do nothing more for anybody. */
  close(): void {
    for (const tab of this.#clients.keys()) this.#drop(tab)
  }

  #serve({ tab, lastAsk }: Extract<CommonMessage, { kind: 'who' }>): void {
    const client = this.#clients.get(tab) ?? this.#take(tab)
    for (const ask of client.asks.keys()) if (ask <= lastAsk) end(client, ask)
    say(client, { kind: 'here' })
  }

  #take(tab: string): Client {
    const { name, tabs, life } = this.#options
    const client: Client = {
      line: tabs.join(tabLine(name, tab), (message) => {
        const said = message as TabMessage
        if (said.kind === 'ask') void this.#work(client, said)
        else if (said.kind === 'end') end(client, said.ask)
      }),
      asks: new Map(),
      unwatch: life.onDeath(tab, () => this.#drop(tab)),
    }
    this.#clients.set(tab, client)
    return client
  }

  #drop(tab: string): void {
    const client = this.#clients.get(tab)
    if (!client) return
    this.#clients.delete(tab)
    client.unwatch()
    client.line.leave()
    for (const [ask, { method }] of client.asks) {
      // It was done by somebody who trusts that it is sent.
      if (method !== 'flush') end(client, ask)
    }
  }

  async #work(client: Client, { ask, method, args }: Ask): Promise<void> {
    // At once, whatever the server does: who hears nothing goes around this tab.
    say(client, { kind: 'taken', ask })
    if (method === 'hello') {
      const awaited = args as readonly number[]
      const unknown = awaited.filter((one) => !client.asks.has(one))
      return unknown.forEach((one) => say(client, { kind: 'unknown', ask: one }))
    }
    const abort = new AbortController()
    const { signal } = abort
    client.asks.set(ask, { method, abort })
    const tell = (message: GatewayMessage) => {
      if (!signal.aborted) say(client, message)
    }
    try {
      const value = await this.#carry({ ask, method, args }, tell, signal)
      tell({ kind: 'answer', ask, value })
    } catch (thrown) {
      tell({ kind: 'failure', ask, failure: toFailure(toExchangeError(thrown)) })
    } finally {
      client.asks.delete(ask)
    }
  }

  async #carry(
    { ask, method, args }: Omit<Ask, 'kind'>,
    tell: (message: GatewayMessage) => void,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { transport } = this.#options
    const [first, second] = args
    switch (method) {
      case 'load':
        return transport.load(first as string, signal)
      case 'flush':
        return transport.flush(first as string, second as Flush, signal)
      case 'stream':
        return transport.live?.stream(
          first as LiveRequest,
          (event) => tell({ kind: 'event', ask, event }),
          signal,
        )
      case 'poll':
        return transport.live?.poll(first as LiveRequest, signal)
      case 'announce':
        return transport.live?.announce(first as PresenceRequest, signal)
      case 'hello':
    }
  }
}

function end({ asks }: Client, ask: number): void {
  asks.get(ask)?.abort.abort()
  asks.delete(ask)
}

function say({ line }: Client, message: GatewayMessage): void {
  line.say(message)
}
