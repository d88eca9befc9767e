// A tab speaks with the server by itself until the code is here by which it works with the
// others: nothing that it shows waits for that. What it hears comes by the others' way.
import type { Flush, Snapshot } from '@flushout/core'
import { defaultEnvironment, type Environment } from '../environment.ts'
import { laterLive } from '../later-live.ts'
import type { LiveTransport, Transport } from '../transport.ts'
import { browserTabs, type TabEnvironment, type TabLine } from './tab-environment.ts'
import { commonLine } from './tab-lines.ts'
import { TabLogins } from './tab-logins.ts'
import type { CommonMessage } from './tab-messages.ts'
import { tabPart } from './tab-part.ts'
import type { Tab, TabOptions } from './tab.ts'

export interface TabTransportOptions {
  /**
   * Only tabs of one name work together. All of them act for the one user who is
   * logged in at the gateway, so the name has to be another for each user and server.
   */
  readonly name: string
  /** Clock, randomness and timers, for tests. */
  readonly environment?: Environment
  /** What tabs find each other by, for tests. */
  readonly tabs?: TabEnvironment | undefined
}

/** A way to the server that all tabs of a browser share. */
export interface TabTransport extends Transport {
  /** Leave the other tabs. What is asked from now on goes to the server by itself. */
  readonly close: () => void
}

/** Reach the server through the one tab of this browser that speaks with it, by its `transport`. */
export function tabTransport(
  transport: Transport,
  { name, environment = defaultEnvironment, tabs = browserTabs() }: TabTransportOptions,
): TabTransport {
  const { live, past, onLogin } = transport
  const way = tabs && new Way({ name, environment, tabs, transport })
  return {
    load: (key, signal) => (way ?? transport).load(key, signal),
    flush: (key, flush, signal) => (way ?? transport).flush(key, flush, signal),
    ...(live && { live: way?.live ?? live }),
    // What was is asked for so seldom that each tab does it for itself.
    ...(past && { past }),
    ...(way ? { onLogin: way.logins.onLogin } : onLogin && { onLogin }),
    close: () => way?.close(),
  }
}

class Way {
  readonly logins: TabLogins
  readonly live: LiveTransport
  readonly #options: TabOptions
  readonly #line: TabLine
  #tab: Tab | undefined
  #isClosed = false

  constructor(options: TabOptions) {
    const { name, tabs, transport } = options
    this.#options = options
    this.#line = tabs.join(commonLine(name), (message) => {
      if ((message as CommonMessage).kind === 'login') this.logins.heard()
    })
    this.logins = new TabLogins(transport.onLogin, () => {
      this.#line.say({ kind: 'login' } satisfies CommonMessage)
    })
    this.live = this.#watchLive(laterLive(async () => (await this.#find()).live!))
    if (tabPart.code) this.#begin(tabPart.code)
    else void this.#find()
  }

  load(key: string, signal: AbortSignal): Promise<Snapshot> {
    return this.logins.watch(key, () => this.#way.load(key, signal))
  }

  flush(key: string, flush: Flush, signal: AbortSignal): Promise<unknown> {
    return this.logins.watch(key, () => this.#way.flush(key, flush, signal))
  }

  close(): void {
    this.#isClosed = true
    this.#tab?.close()
    this.#line.leave()
  }

  /** The way that is open now. */
  get #way(): Transport {
    return this.#tab ?? this.#options.transport
  }

  /** The others' way, or else its own. */
  async #find(): Promise<Transport> {
    // Where the code cannot be had it is asked for again with the next stream.
    if (!this.#tab) {
      await tabPart.fetch().then(
        (code) => this.#begin(code),
        () => {},
      )
    }
    return this.#way
  }

  #begin({ Tab: Code }: NonNullable<typeof tabPart.code>): void {
    if (this.#tab || this.#isClosed) return
    this.#tab = new Code(this.#options)
  }

  #watchLive(live: LiveTransport): LiveTransport {
    const { logins } = this
    return {
      stream: (request, hear, signal) =>
        logins.watch('stream', () => live.stream(request, hear, signal)),
      poll: (request, signal) => logins.watch('poll', () => live.poll(request, signal)),
      announce: (presence, signal) =>
        logins.watch('announce', () => live.announce(presence, signal)),
    }
  }
}
