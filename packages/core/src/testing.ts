// What tests of applications and of these packages need to be repeatable, and a
// small world to tell stories in: a master and some clients, no network.
import { FlushoutError, isFlushoutError } from './errors.ts'
import type { JsonObject } from './json.ts'
import type { FlushContext } from './apply-command.ts'
import { Master, type MasterOptions } from './master.ts'
import type { Flush, FlushAnswer } from './protocol.ts'
import { CommandProxy } from './proxy.ts'
import type { ProxyOptions } from './proxy-options.ts'
import type { EndResult } from './proxy-status.ts'
import { createRandom } from './random.ts'

/** Ids that tell where they come from: `ada-1`, `ada-2` and so on. */
export function createTestIds(prefix: string): () => string {
  let count = 0
  return () => `${prefix}-${(count += 1)}`
}

/** A repeatable stand-in for a cryptographic hash, good enough to tell texts apart. */
export function testDigest(text: string): string {
  const random = createRandom(text)
  return Array.from({ length: 4 }, () => Math.floor(random() * 2 ** 32).toString(36)).join('')
}

/** One client of a world: its proxy, and ways to exchange with the master. */
export class Peer<Doc extends object = JsonObject> {
  readonly name: string
  readonly proxy: CommandProxy<Doc>
  readonly #master: Master
  readonly #now: () => number

  constructor(
    name: string,
    master: Master,
    options: Partial<ProxyOptions> & { now: () => number },
  ) {
    this.name = name
    this.#master = master
    this.#now = options.now
    const snapshot = master.snapshot() as unknown as {
      commandCount: number
      hash: string
      document: Doc
    }
    this.proxy = new CommandProxy<Doc>(snapshot, { createId: createTestIds(name), ...options })
  }

  /** Hand a flush to the master, as the network would: through JSON. */
  send(flush: Flush): FlushAnswer {
    const context: FlushContext = {
      user: { id: this.name },
      now: this.#now(),
      seed: `${flush.clientId}:${flush.sequence}`,
    }
    return throughJson(this.#master.apply(throughJson(flush), context))
  }

  /** One whole exchange: begin, send, end. Asks for news if nothing is queued. */
  flush(): EndResult {
    const flush = this.proxy.beginFlush({ pull: true })!
    try {
      return this.proxy.endFlush(this.send(flush))
    } catch (error) {
      if (!isFlushoutError(error)) throw error
      this.proxy.failFlush(error)
      return { ok: false, code: 'ANSWER_INVALID' }
    }
  }

  /** Exchange until nothing is queued and nothing is new. Throws if that never comes. */
  settle(): void {
    for (let round = 0; round < 20; round += 1) {
      const result = this.flush()
      const { queued, inFlight } = this.proxy.status
      if (result.ok && queued === 0 && inFlight === 0) return
    }
    throw new FlushoutError('INTERNAL', `${this.name} does not come to rest.`)
  }
}

/** A master and peers at its latest snapshot, with clock, ids and hashes that repeat. */
export class World<Doc extends object = JsonObject> {
  readonly master: Master
  readonly peers: Peer<Doc>[] = []
  /** Milliseconds since 1970; put it where you like. */
  now = 1_000_000
  readonly #proxy: Partial<ProxyOptions>

  constructor(
    document: Doc,
    options: { master?: Partial<MasterOptions>; proxy?: Partial<ProxyOptions> } = {},
  ) {
    this.#proxy = options.proxy ?? {}
    this.master = new Master(
      { commandCount: 0, hash: 'genesis', document: document as unknown as JsonObject },
      { createId: createTestIds('master'), digest: testDigest, ...options.master },
    )
  }

  /** A new client that holds what the master has now. */
  join(name: string, options: Partial<ProxyOptions> = {}): Peer<Doc> {
    const peer = new Peer<Doc>(name, this.master, {
      now: () => this.now,
      ...this.#proxy,
      ...options,
    })
    this.peers.push(peer)
    return peer
  }

  /** Let all peers exchange until all hold the same. */
  settle(): void {
    for (const peer of this.peers) peer.settle()
    for (const peer of this.peers) peer.settle()
  }
}

/** A copy of `value` as the other side of a network gets it. */
export function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
