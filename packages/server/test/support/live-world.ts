// Servers that share a store, streams as plain objects that remember what they
// heard, and a clock that is put on by hand.
import {
  CommandProxy,
  PROTOCOL,
  type FeedEvent,
  type JsonObject,
  type LiveEvent,
  type LiveRequest,
  type Position,
  type Snapshot,
  type User,
} from '@flushout/core'
import {
  memoryStore,
  type Frame,
  type FlushoutService,
  type Hints,
  type LiveConnection,
  type ModelStore,
  type Notice,
  type Sink,
} from '@flushout/server'
import { expect, onTestFinished } from 'vitest'
import type { Environment } from '../../src/environment.ts'
import { createTestService, KEY, wrapStore } from './world.ts'

export type EventOf<Name extends LiveEvent['event']> = Extract<LiveEvent, { event: Name }>

/** Let everything happen that needs no time. */
export async function settle(turns = 12): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Time that stands still until it is put on. */
export class Clock {
  now = 1_000_000
  /** How far the time of day was put on or back, of which timers know nothing. */
  skewMs = 0
  /** How many services go by it. */
  users = 0
  readonly #timers = new Set<Timer>()

  readonly environment: Environment = {
    now: () => this.now + this.skewMs,
    random: () => 0.5,
    fillRandom: (bytes) => void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
    setTimer: (callback, delayMs, isIdle) => {
      // What a service does at its leisure is no matter to those who are connected.
      if (isIdle) return () => {}
      const timer = { at: this.now + delayMs, callback }
      this.#timers.add(timer)
      return () => void this.#timers.delete(timer)
    },
    defer: (callback) => void setImmediate(callback),
  }

  /** How many wait for their time. */
  get timers(): number {
    return this.#timers.size
  }

  /** Let time pass, and all that comes with it happen. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms
    for (;;) {
      await settle()
      const [next] = [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
      if (!next) break
      this.now = Math.max(this.now, next.at)
      this.#timers.delete(next)
      next.callback()
    }
    this.now = end
  }
}

/** Notices that may be lost, and the store that gives them to servers. */
export class Post {
  isMuted = false
  /** How many notices were sent, and how many may be. */
  sent = 0
  limit = Infinity
  readonly #listeners = new Set<(notice: Notice) => void>()

  /** The store, but for the hints. */
  wrap(store: ModelStore): ModelStore {
    return wrapStore(store, { hints: () => this.#wrap(store.hints()) })
  }

  /** Tell all servers what is perhaps not true. */
  lie(notice: Notice): void {
    for (const hear of this.#listeners) hear(notice)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  #wrap(hints: Hints): Hints {
    return {
      publish: (notice) => {
        this.sent += 1
        if (!this.isMuted && this.sent <= this.limit) hints.publish(notice)
      },
      listen: (hear) => {
        this.#listeners.add(hear)
        const stop = hints.listen((notice) => {
          if (!this.isMuted) hear(notice)
        })
        return () => {
          this.#listeners.delete(hear)
          stop()
        }
      },
    }
  }
}

/** A store that can be put out of order. */
export class Brittle {
  isDown = false
  readonly store: ModelStore

  constructor(store: ModelStore) {
    this.store = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (name === 'hints' || name === 'close') return value.bind(target)
        return async (...args: unknown[]) => {
          if (this.isDown) throw new Error('The store is down.')
          return value.apply(target, args)
        }
      },
    })
  }
}

/** A service with a clock of the test, closed at its end; nothing may be left then. */
export function serve(
  clock: Clock,
  options: Parameters<typeof createTestService>[0] = {},
): FlushoutService {
  const service = createTestService({
    store: memoryStore(),
    environment: clock.environment,
    ...options,
  })
  clock.users += 1
  onTestFinished(async () => {
    const closed = service.close()
    await clock.pass(1000)
    await closed
    expect(service.usage).toMatchObject({ streams: 0, channels: 0, peers: 0 })
    await settle()
    clock.users -= 1
    if (clock.users === 0) expect(clock.timers).toBe(0)
  })
  return service
}

/** A stream: what it heard, and whether it takes anything. */
export class Ear implements Sink {
  readonly events: LiveEvent[] = []
  isFull = false
  isEnded = false
  /** What came though it wanted nothing any more. */
  unwanted = 0
  bytes = 0
  user: User | undefined
  /** Instead of `user`, if it cannot be told. */
  identify: (() => Promise<User | undefined>) | undefined
  connection!: LiveConnection
  #hasStopped = false

  /** Connect, with the requests of a client. */
  static async open(
    service: FlushoutService,
    request: Omit<LiveRequest, 'protocol'>,
    user?: User,
  ): Promise<Ear> {
    const ear = Ear.begin(service, request, user)
    await ear.connection.started
    return ear
  }

  /** The same, before anything was answered. */
  static begin(
    service: FlushoutService,
    request: Omit<LiveRequest, 'protocol'>,
    user?: User,
    identify?: () => Promise<User | undefined>,
  ): Ear {
    const ear = new Ear()
    ear.user = user
    ear.identify = identify
    ear.connection = service.live(
      { protocol: PROTOCOL, ...request },
      () => ear,
      async () => (ear.identify ? ear.identify() : ear.user),
    )
    return ear
  }

  write(frame: Frame): boolean {
    if (this.#hasStopped) this.unwanted += 1
    expect(this.isEnded).toBe(false)
    // As it arrives, so that nothing that changes later is seen here.
    this.events.push(JSON.parse(frame.json) as LiveEvent)
    this.bytes += frame.bytes.length
    this.#hasStopped = this.isFull
    return !this.isFull
  }

  end(): void {
    this.isEnded = true
  }

  /** Take what comes again. */
  drain(): void {
    this.isFull = false
    this.drip()
  }

  /** Take one thing more, if it is full. */
  drip(): void {
    this.#hasStopped = false
    this.connection.drained()
  }

  all<Name extends LiveEvent['event']>(name: Name): EventOf<Name>[] {
    return this.events.filter((event): event is EventOf<Name> => event.event === name)
  }

  /** Forget what was heard so far. */
  clear(): void {
    this.events.length = 0
  }

  /** All feed events of a model, in order. */
  feed(key = KEY): FeedEvent[] {
    return this.all('feed').flatMap((event) => (event.key === key ? event.events : []))
  }

  /** The names of the models that came and went, and how. */
  get changes(): string[] {
    return this.all('model').map(({ change, key }) => `${change} ${key}`)
  }

  /** Who is seen at a model, as a client that joins all that it was told sees it. */
  peers(key = KEY): Record<string, JsonObject> {
    const seen = new Map<string, JsonObject>()
    for (const event of this.all('presence')) {
      if (event.key !== key) continue
      if (event.isAll) seen.clear()
      for (const [id, peer] of Object.entries(event.peers)) {
        if (peer) seen.set(id, peer.state)
        else seen.delete(id)
      }
    }
    return Object.fromEntries(seen)
  }
}

/** Somebody who holds a model and believes what a stream tells, and only that. */
export class Copy {
  readonly proxy: CommandProxy
  readonly #key: string
  readonly #ear: Ear
  #heard = 0
  /** How often it had to ask. */
  gaps = 0

  constructor(ear: Ear, snapshot: Snapshot, key = KEY) {
    this.#ear = ear
    this.#key = key
    this.proxy = new CommandProxy(snapshot, { createId: () => 'never', now: () => 0 })
  }

  get position(): Position {
    const { commandCount } = this.proxy
    return { from: commandCount, hash: this.#hash }
  }

  #hash = ''

  /** Take in what was heard since the last time. */
  read(): JsonObject {
    for (; this.#heard < this.#ear.events.length; this.#heard += 1) {
      const event = this.#ear.events[this.#heard]!
      if (event.event === 'updates' && event.key === this.#key) {
        const { commandCount, hash, updates } = event
        // Nothing that was told already, and nothing left out.
        expect(updates[0]!.from).toBe(this.proxy.commandCount)
        const sync = { kind: 'updates', updates } as const
        expect(this.proxy.receive({ commandCount, hash, sync })).toBe('applied')
        this.#hash = hash
      } else if (event.event === 'heads' && Object.hasOwn(event.heads, this.#key)) {
        if (event.heads[this.#key]!.commandCount !== this.proxy.commandCount) this.gaps += 1
      }
    }
    return this.proxy.read([]) as JsonObject
  }
}

/** How far a model is, to begin from. */
export async function positionOf(service: FlushoutService, key = KEY): Promise<Position> {
  const { commandCount, hash } = await service.snapshot(key)
  return { from: commandCount, hash }
}
