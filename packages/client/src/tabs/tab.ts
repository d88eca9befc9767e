// How the tabs of one browser speak with the server through one of them.
//
//             here                       no sign of life for 2 s
//   seeking ───────► asking the gateway ────────────────────────► around it: by itself
//      ▲  │              │        ▲                                 │  │
//      │  └── 2 s ───────┼────────┼──────────────────────────────►  │  │
//      │                 │        └──────── it is heard again ──────┘  │
//      └─────────────────┴── another tab says that it is the gateway ──┘
//
//   from each of them, when the lock is this tab's: gateway, until the page ends
//
// Nothing is lost by a gateway that ends or freezes: a flush may be sent again, a
// load too, and streams are opened anew from where they were.
import type { Flush, LiveRequest, PresenceRequest, Snapshot } from '@flushout/core'
import { createIdFactory, FlushoutError } from '@flushout/core'
import type { Environment } from '../environment.ts'
import { toExchangeError, untilAborted } from '../exchange-error.ts'
import type { LiveTransport, Transport } from '../transport.ts'
import { Gateway } from './gateway.ts'
import { Roundabout } from './roundabout.ts'
import { SharedLive } from './shared-live.ts'
import { MUTE_MS, TabAsks, type TabAsk } from './tab-asks.ts'
import type { TabEnvironment, TabLine } from './tab-environment.ts'
import { TabLife } from './tab-life.ts'
import { commonLine, gatewayLock, tabLine } from './tab-lines.ts'
import type { CommonMessage, GatewayMessage } from './tab-messages.ts'

export interface TabOptions {
  readonly name: string
  readonly environment: Environment
  readonly tabs: TabEnvironment
  /** To the server. */
  readonly transport: Transport
}

/** One of the tabs of a browser, from when it works with the others. */
export class Tab implements Transport {
  /** Not there where the transport has none. */
  readonly live?: LiveTransport
  readonly #options: TabOptions
  /** To the server, as it is used for all tabs together. */
  readonly #shared: Transport
  readonly #life: TabLife
  readonly #asks: TabAsks
  #role: 'seeking' | 'asking' | 'around' | 'gateway' = 'seeking'
  #gateway: Gateway | undefined
  #common: TabLine | undefined
  #line: TabLine | undefined
  #isClosed = false
  // Called when it is no longer seeking.
  readonly #onFound = new Set<() => void>()
  // The streams that go around the gateway.
  readonly #roundabout = new Roundabout()
  #clearLook = () => {}
  #release = () => {}

  constructor(options: TabOptions) {
    const { name, environment, tabs, transport } = options
    const { live } = transport
    this.#options = options
    if (live) this.live = this.#carryLive(live)
    this.#shared = {
      load: (key, signal) => transport.load(key, signal),
      flush: (key, flush, signal) => transport.flush(key, flush, signal),
      ...(live && { live: new SharedLive(live, environment) }),
    }
    this.#life = new TabLife({ name, id: createIdFactory(environment)(), tabs })
    this.#asks = new TabAsks({
      environment,
      say: (message) => this.#line?.say(message),
      onMute: () => this.#goAround(),
    })
    void this.#life.ready.then(() => this.#enter())
  }

  load(key: string, signal: AbortSignal): Promise<Snapshot> {
    const ask = { method: 'load', args: [key] } as const
    return this.#carry(ask, signal, (transport) => transport.load(key, signal))
  }

  flush(key: string, flush: Flush, signal: AbortSignal): Promise<unknown> {
    const ask = { method: 'flush', args: [key, flush] } as const
    return this.#carry(ask, signal, (transport) => transport.flush(key, flush, signal))
  }

  #carryLive(live: LiveTransport): LiveTransport {
    // There is one if the transport has one.
    const liveOf = (transport: Transport) => transport.live ?? live
    return {
      stream: (request, hear, signal) => {
        const ask = { method: 'stream', args: [request], hear } as const
        return this.#carry(ask, signal, (transport) =>
          transport === this.#shared
            ? liveOf(transport).stream(request, hear, signal)
            : this.#roundabout.stream(liveOf(transport), request, hear, signal),
        )
      },
      poll: (request: LiveRequest, signal: AbortSignal) => {
        const ask = { method: 'poll', args: [request] } as const
        return this.#carry(ask, signal, (transport) => liveOf(transport).poll(request, signal))
      },
      announce: (presence: PresenceRequest, signal: AbortSignal) => {
        const ask = { method: 'announce', args: [presence] } as const
        return this.#carry(ask, signal, (transport) => liveOf(transport).announce(presence, signal))
      },
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#common?.say({ kind: 'bye', tab: this.#life.id } satisfies CommonMessage)
    this.#gateway?.close()
    this.#turn('around')
    this.#asks.lose()
    this.#common?.leave()
    this.#line?.leave()
    this.#release()
    this.#life.close()
  }

  /** Do it by the way that is open now, and by another if that is lost. */
  async #carry<T>(
    ask: TabAsk,
    signal: AbortSignal,
    byItself: (transport: Transport) => Promise<T>,
  ): Promise<T> {
    try {
      for (;;) {
        while (this.#role === 'seeking') await untilAborted(signal, () => this.#untilFound())
        signal.throwIfAborted()
        // At once: a moment later it may be another.
        if (this.#role === 'gateway') return await byItself(this.#shared)
        if (this.#role === 'around') return await byItself(this.#options.transport)
        const outcome = await this.#asks.ask(ask, signal).catch((error: FlushoutError) => {
          // This page may know of a login that the gateway does not know of.
          if (error.retry === 'after-auth' && this.#options.transport.onLogin) return undefined
          throw error
        })
        if (!outcome) return await byItself(this.#options.transport)
        if (outcome.kind === 'answer') return outcome.value as T
        // Who heard something has to open a stream from there.
        if (ask.method === 'stream' && outcome.wasHeard) {
          throw new FlushoutError('NETWORK', 'The tab that kept the stream is gone.')
        }
      }
    } catch (thrown) {
      throw toExchangeError(thrown)
    }
  }

  #untilFound(): Promise<void> {
    return new Promise((found) => this.#onFound.add(found))
  }

  /** Others know that this tab lives: work with them. */
  #enter(): void {
    if (this.#isClosed) return
    const { name, tabs } = this.#options
    this.#line = tabs.join(tabLine(name, this.#life.id), (message) => {
      this.#hear(message as GatewayMessage)
    })
    this.#common = tabs.join(commonLine(name), (message) => {
      this.#hearCommon(message as CommonMessage)
    })
    this.#release = tabs.hold(gatewayLock(name), () => this.#serve())
    this.#seek()
  }

  #seek(): void {
    this.#role = 'seeking'
    this.#look()
  }

  /** Look for the gateway until it answers. */
  #look(): void {
    const { lastAsk } = this.#asks
    this.#common?.say({ kind: 'who', tab: this.#life.id, lastAsk } satisfies CommonMessage)
    this.#clearLook()
    this.#clearLook = this.#options.environment.setTimer(() => {
      if (this.#role === 'seeking') this.#turn('around')
      // Who is frozen may never hear what was said meanwhile.
      this.#look()
    }, MUTE_MS)
  }

  #turn(role: 'asking' | 'around' | 'gateway'): void {
    this.#clearLook()
    this.#role = role
    for (const found of this.#onFound) found()
    this.#onFound.clear()
    if (role !== 'around') this.#roundabout.callBack()
  }

  /** The lock is this tab's: speak for all. */
  #serve(): void {
    if (this.#isClosed) return
    const { name, tabs } = this.#options
    this.#gateway = new Gateway({ name, tabs, life: this.#life, transport: this.#shared })
    this.#turn('gateway')
    this.#asks.lose()
    this.#common?.say({ kind: 'gateway' } satisfies CommonMessage)
  }

  #hearCommon(message: CommonMessage): void {
    if (this.#gateway) return this.#gateway.hear(message)
    if (message.kind !== 'gateway') return
    this.#seek()
    this.#asks.lose()
  }

  #hear(message: GatewayMessage): void {
    if (this.#gateway) return
    if (message.kind === 'here' && this.#role !== 'asking') this.#turn('asking')
    this.#asks.hear(message)
  }

  /** The gateway is frozen: do without it until it is heard again. */
  #goAround(): void {
    if (this.#role !== 'asking') return
    this.#turn('around')
    this.#asks.lose()
    this.#look()
  }
}
