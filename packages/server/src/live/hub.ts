// Everybody who follows something in this process, and all that makes them hear:
//
//   runners ── what was stored here, at once ────────────┐
//   hints ──── what other servers say they stored ─► look ├──► channels ──► streams
//   poll ───── what the store says, now and then ──► look ┘
//
// Hints may be lost and the poll comes late, so neither is believed: both only
// make the hub look, and what it finds continues what was told before.
import {
  type FlushoutError,
  type JsonObject,
  type LiveEvent,
  type Position,
  type User,
} from '@flushout/core'
import type { Environment } from '../environment.ts'
import type { Hints, Notice } from '../hints.ts'
import type { HotModel } from '../hot-model.ts'
import type { Log } from '../log.ts'
import type { Advance } from '../runner.ts'
import type { ListedModel, ModelStore } from '../store.ts'
import { Channel, isSame, type Reader, type Rings } from './channel.ts'
import { HeadLookup } from './head-lookup.ts'
import { PatternIndex } from './pattern-index.ts'
import { PatternLookup } from './pattern-lookup.ts'
import { Presence } from './presence.ts'
import { SharedReads } from './shared-reads.ts'
import { createSteadyClock } from './steady-clock.ts'
import { Stream, type Identify, type Sink, type StreamHost, type Watch } from './stream.ts'
import type { Point } from './view.ts'

/** What the hub needs from the service around it. */
export interface HubOptions<U extends User> {
  readonly store: Pick<ModelStore, 'heads' | 'list'>
  readonly hints: Hints
  readonly environment: Environment
  readonly log: Log
  readonly heartbeatMs: number
  readonly pollMs: number
  /** How many models one stream may follow. */
  readonly maxModels: number
  /** Why somebody may not read a model; undefined if they may. */
  readonly refusal: (user: U | undefined, key: string) => Promise<FlushoutError | undefined>
  /** Hears how old the news are that those who are connected are told, in milliseconds. */
  readonly onTold: ((lagMs: number) => void) | undefined
  /** Let a model go from memory that is not the stored one any more. */
  readonly forget: (key: string) => void
  /** Read a model that is proved current. */
  readonly read: (key: string, read: (model: HotModel<U>) => void, from?: number) => Promise<void>
}

const TICK_MS = 1000
/** A connection that takes nothing for so long is ended. */
const STALLED_MS = 30_000
const PATTERN_POLL_MS = 15_000
/** Models looked up in one poll; where there are more, they take turns. */
const POLL_KEYS = 1000
/** So many models of a pattern are looked at for one who follows it. */
const MAX_SEEN = 10_000
const MAX_BYE_MS = 5000

export class Hub<U extends User = User> implements StreamHost<U> {
  readonly heads: HeadLookup
  readonly presence: Presence
  readonly maxModels: number
  readonly heartbeatMs: number
  readonly now: () => number
  readonly #options: HubOptions<U>
  readonly #patterns: PatternLookup
  readonly #reads: SharedReads<U>
  readonly #channels = new Map<string, Channel>()
  readonly #rings: Rings = { bytes: 0 }
  readonly #looking = new Map<Channel, { again: boolean }>()
  readonly #streams = new Set<Stream<U>>()
  readonly #watches = new PatternIndex<Watch>()
  #stopListening: (() => void) | undefined
  #stopTicking: (() => void) | undefined
  #polledAt = 0
  #patternsPolledAt = 0
  // To be done with the next tick.
  #retries: (() => void)[] = []
  #isPolling = false
  #isDrained = false
  // Where the next poll goes on.
  #toPoll: string[] = []

  constructor(options: HubOptions<U>) {
    const { environment, hints, store } = options
    this.#options = options
    this.maxModels = options.maxModels
    this.heartbeatMs = options.heartbeatMs
    this.now = createSteadyClock(environment.now)
    this.heads = new HeadLookup(store, environment.defer)
    this.#patterns = new PatternLookup(store)
    this.#reads = new SharedReads(options.read)
    this.presence = new Presence({
      environment: { ...environment, now: this.now },
      hints,
      frameMs: 50,
    })
  }

  /** How much is followed by how many. */
  get usage(): { readonly streams: number; readonly channels: number; readonly peers: number } {
    return {
      streams: this.#streams.size,
      channels: this.#channels.size,
      peers: this.presence.size,
    }
  }

  /** How many are connected. */
  get streams(): number {
    return this.#streams.size
  }

  /** Take in a connection; its `start` says what it follows. After `drain` it is closed at once. */
  open(sink: Sink, identify?: Identify<U>): Stream<U> {
    const stream = new Stream<U>(this, sink, identify)
    if (this.#isDrained) {
      stream.close()
      return stream
    }
    stream.dueAt = this.now() + this.#heartbeatPause()
    this.#streams.add(stream)
    this.#begin()
    return stream
  }

  /** Do something again after a while, which failed now. */
  retry(again: () => void): void {
    if (this.#isDrained) return
    this.#retries.push(again)
    this.#begin()
  }

  /** A stream ended itself. */
  closed(stream: Stream<U>): void {
    this.#streams.delete(stream)
    this.presence.closed(stream)
  }

  /** Where a model is told of. */
  channel(key: string): Channel {
    let channel = this.#channels.get(key)
    if (!channel) {
      channel = new Channel(key, this.#rings)
      this.#channels.set(key, channel)
    }
    return channel
  }

  leave(channel: Channel, reader: Reader): void {
    channel.readers.delete(reader)
    // Another one may have its place by now, if this is not the first time.
    if (channel.readers.size > 0 || this.#channels.get(channel.key) !== channel) return
    this.#channels.delete(channel.key)
    channel.close()
  }

  /** The store says how far a model is. */
  found(channel: Channel, head: Point): void {
    if (channel.head && !isSame(channel.head, head)) void this.#look(channel)
  }

  read(key: string, from: number | undefined, read: (model: HotModel<U>) => void): Promise<void> {
    return this.#reads.ask(key, from, read)
  }

  refusal(user: U | undefined, key: string): Promise<FlushoutError | undefined> {
    return this.#options.refusal(user, key)
  }

  /** Follow all models that fit, those there are and those to come. */
  async watch(watch: Watch): Promise<void> {
    // Before the look: what is made meanwhile is heard of.
    this.#watches.add(watch.pattern, watch)
    await this.list(watch)
  }

  unwatch(watch: Watch): void {
    this.#watches.delete(watch.pattern, watch)
  }

  /** Look for models that fit and were not seen yet. */
  async list(watch: Watch, isNew = false): Promise<void> {
    const { pattern } = watch
    // Somebody may wait for a thousand that are not there: all in one look-up.
    const isOne = !pattern.split(':').includes('*')
    if (isOne && !(await this.heads.ask(pattern))) return
    const found = await this.#patterns.find(pattern)
    await Promise.all(found.map((model) => this.#enter(watch, model, isNew)))
  }

  /** The runner of a model knows how far it is. */
  advanced(key: string, { base, entries, head, isOwn }: Advance): void {
    const { commandCount, hash } = head
    if (isOwn && entries.length > 0) {
      this.#options.hints.publish({ kind: 'head', key, commandCount, hash })
    }
    const channel = this.#channels.get(key)
    if (!channel) return
    if (!channel.advance(base, entries, { commandCount, hash })) void this.#look(channel)
    const { environment, onTold } = this.#options
    const last = entries.at(-1)
    // Clocks of other servers may be ahead.
    if (onTold && last) onTold(Math.max(0, environment.now() - last.at))
  }

  /** A model was made, configured or deleted here. */
  changed(key: string, change: 'create' | 'configure' | 'delete'): void {
    this.#options.hints.publish({ kind: 'model', key, change })
    void this.#checkModel(key, change)
  }

  /** Something was erased from the history of a model, here. */
  erased(key: string): void {
    this.#options.hints.publish({ kind: 'erased', key })
    this.#forget(key)
  }

  /** Permissions may be others: ask again at once. */
  permissionsChanged({ userId, key }: { userId?: string; key?: string }): void {
    const readers = key === undefined ? undefined : this.#channels.get(key)?.readers
    const followers = readers && new Set([...readers].map(({ listener }) => listener))
    for (const stream of this.#streams) {
      if (userId !== undefined && stream.user?.id !== userId) continue
      // Who follows a pattern may get to see what they did not.
      const isPresent = key !== undefined && [...this.presence.keysOf(stream)].includes(key)
      if (followers && !followers.has(stream) && !stream.hasWatches && !isPresent) continue
      void stream.permissionsChanged().catch((error: unknown) => this.#fail(error))
    }
  }

  /** Somebody was refused a model: they may have lost a permission that they had. */
  refused(user: U | undefined, key: string): void {
    const readers = this.#channels.get(key)?.readers ?? []
    for (const { listener } of readers) {
      const stream = listener as Stream<U>
      if (stream.user?.id === user?.id) void stream.check()
    }
  }

  /** Send everybody away, to come again after a while. */
  drain(): void {
    this.#isDrained = true
    const { random } = this.#options.environment
    for (const stream of this.#streams) {
      const retryAfterMs = Math.ceil(200 + random() * MAX_BYE_MS)
      stream.insist({ event: 'bye', retryAfterMs } satisfies LiveEvent)
      stream.close()
    }
    this.#end()
  }

  async #enter(watch: Watch, { key, head, config }: ListedModel, isNew: boolean): Promise<void> {
    if (watch.stream.isClosed || watch.seen.has(key) || watch.seen.size >= MAX_SEEN) return
    // The name of a model may look like a pattern.
    if (!watch.fits(key)) return
    watch.seen.add(key)
    await watch.stream.enter(watch, { key, head, config }, isNew)
  }

  /** Begin to listen and to look, with the first who wants to hear anything. */
  #begin(): void {
    if (this.#stopTicking) return
    this.#polledAt = this.now()
    this.#patternsPolledAt = this.now()
    this.#stopListening ??= this.#options.hints.listen((notice) => this.#hear(notice))
    this.#options.hints.publish({ kind: 'roll-call' })
    this.#tickLater()
  }

  #end(): void {
    this.#retries = []
    this.#stopTicking?.()
    this.#stopTicking = undefined
    this.#stopListening?.()
    this.#stopListening = undefined
    this.presence.stop()
  }

  #tickLater(): void {
    this.#stopTicking = this.#options.environment.setTimer(() => this.#tick(), TICK_MS)
  }

  #tick(): void {
    // The last presence goes two seconds after its connection.
    for (const again of this.#retries.splice(0)) again()
    if (this.#streams.size === 0 && !this.presence.isHeld) return this.#end()
    const now = this.now()
    for (const stream of this.#streams) this.#attend(stream, now)
    this.presence.tick()
    if (now - this.#polledAt >= this.#options.pollMs) void this.#poll(now)
    if (now - this.#patternsPolledAt >= PATTERN_POLL_MS) {
      this.#patternsPolledAt = now
      for (const watch of this.#watches)
        void this.list(watch, true).catch((error) => this.#fail(error))
    }
    this.#tickLater()
  }

  #attend(stream: Stream<U>, now: number): void {
    if (stream.fullSince !== undefined && now - stream.fullSince >= STALLED_MS) {
      return stream.close()
    }
    // Or a clock that was put back would silence it.
    if (now < stream.dueAt && stream.dueAt - now <= this.heartbeatMs) return
    stream.dueAt = now + this.#heartbeatPause()
    stream.heartbeat()
    void stream.check()
  }

  #heartbeatPause(): number {
    return this.heartbeatMs * (0.75 + 0.25 * this.#options.environment.random())
  }

  #hear(notice: Notice): void {
    if (notice.kind === 'head') {
      const channel = this.#channels.get(notice.key)
      if (!channel) return void this.#discover(notice.key).catch((error) => this.#fail(error))
      const { head } = channel
      // Late, or known: the poll finds out should the history have gone back.
      if (head && (notice.commandCount < head.commandCount || isSame(head, notice))) return
      void this.#look(channel)
    } else if (notice.kind === 'model') void this.#checkModel(notice.key, notice.change)
    else if (notice.kind === 'erased') this.#forget(notice.key)
    else if (notice.kind === 'access') this.permissionsChanged(notice)
    else this.presence.hear(notice)
  }

  /** Keep nothing of a history from before something was erased from it. */
  #forget(key: string): void {
    this.#channels.get(key)?.forget()
    this.#options.forget(key)
  }

  /** Find out how far a model is, and tell what happened. */
  async #look(channel: Channel): Promise<void> {
    const looking = this.#looking.get(channel)
    if (looking) {
      looking.again = true
      return
    }
    const state = { again: true }
    this.#looking.set(channel, state)
    try {
      while (state.again && this.#channels.get(channel.key) === channel) {
        state.again = false
        await this.#lookOnce(channel)
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#looking.delete(channel)
    }
  }

  async #lookOnce(channel: Channel): Promise<void> {
    const { key, head: known } = channel
    const head = await this.heads.ask(key)
    if (!head) return this.#gone(key)
    if (!known || isSame(known, head)) return
    // Most of it is told by the runner, on its way to being current.
    await this.read(key, known.commandCount, ({ master }) => {
      const now: Point = { commandCount: master.commandCount, hash: master.hash }
      const at = channel.head
      if (!at || isSame(at, now)) return
      const entries = since(master, { from: at.commandCount, hash: at.hash })
      if (!entries || !channel.advance(at, entries, now)) channel.jump(now)
    })
  }

  /** Compare with the store what is followed: a hint may have been lost. */
  async #poll(now: number): Promise<void> {
    if (this.#isPolling) return
    this.#isPolling = true
    this.#polledAt = now
    try {
      if (this.#toPoll.length === 0) this.#toPoll = [...this.#channels.keys()]
      const keys = this.#toPoll.splice(0, POLL_KEYS)
      if (keys.length === 0) return
      const heads = await this.#options.store.heads(keys)
      for (const key of keys) {
        const channel = this.#channels.get(key)
        const head = heads.get(key)
        // Who joins is not placed yet; what they follow may be on its way into being.
        if (!channel?.head) continue
        if (!head || !isSame(head, channel.head)) void this.#look(channel)
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#isPolling = false
    }
  }

  /** Something may be new about a model, here or elsewhere: look, and tell. */
  async #checkModel(key: string, change: 'create' | 'configure' | 'delete'): Promise<void> {
    try {
      if (change === 'create') return await this.#discover(key)
      const model = await this.#patterns.model(key)
      if (!model) this.#gone(key)
      else if (change === 'configure') this.#tell(key, change, model.config)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A model that nobody followed: somebody may be waiting for it. */
  async #discover(key: string): Promise<void> {
    const watches = [...this.#watches.match(key)].filter(({ seen }) => !seen.has(key))
    if (watches.length === 0) return
    const model = await this.#patterns.model(key)
    if (model) await Promise.all(watches.map((watch) => this.#enter(watch, model, true)))
  }

  #gone(key: string): void {
    this.#tell(key, 'delete', undefined)
    for (const { seen } of this.#watches.match(key)) seen.delete(key)
  }

  #tell(key: string, change: 'configure' | 'delete', config: JsonObject | undefined): void {
    const readers = [...(this.#channels.get(key)?.readers ?? [])]
    const streams = new Set(readers.map(({ listener }) => listener as Stream<U>))
    for (const stream of streams) stream.changed(key, change, config)
  }

  #fail(error: unknown): void {
    // The next poll tries again.
    this.#options.log.debug({ err: error }, 'what others wrote could not be looked up')
  }
}

function since(
  master: HotModel['master'],
  position: Position,
): ReturnType<HotModel['master']['since']> {
  try {
    return master.since(position)
  } catch {
    return undefined
  }
}
