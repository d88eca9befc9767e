// One live connection: what it follows, and how far each of it was told.
//
//   joining ──► in step ──► behind ──► in step
//      │           │   full    drained    ▲
//      │           ▼                      │
//      └──► refused: nothing more about this model
import {
  compileKeyPattern,
  FlushoutError,
  isFlushoutError,
  type FeedRequest,
  type JsonObject,
  type LiveEvent,
  type LiveRequest,
  type LogEntry,
  type Position,
  type User,
} from '@flushout/core'
import { isSame, type Channel, type Listener, type Reader } from './channel.ts'
import { Frame } from './frame.ts'
import type { ListedModel } from '../store.ts'
import type { HotModel } from '../hot-model.ts'
import type { HeadLookup } from './head-lookup.ts'
import { Companion, placesOf, type Visitor } from './company.ts'
import { Presence } from './presence.ts'
import { createFeedView, documentView, type Point, type View } from './view.ts'

/** Where the events of a connection go. */
export interface Sink {
  /** Take a frame. False if it wants no more until `drained` of the stream is called. */
  write(frame: Frame): boolean
  /** Nothing more comes. */
  end(): void
}

/** Who is connected; asked anew from time to time. Undefined for the application itself. */
export type Identify<U extends User> = () => Promise<U | undefined>

/** What a stream needs of the hub around it. */
export interface StreamHost<U extends User> {
  readonly now: () => number
  readonly heartbeatMs: number
  /** How many models one stream may follow. */
  readonly maxModels: number
  readonly heads: HeadLookup
  readonly presence: Presence
  /** Where a model is told of. */
  channel(key: string): Channel
  leave(channel: Channel, reader: Reader): void
  /** The store says how far a model is. */
  found(channel: Channel, head: Point): void
  /** Read a model that is proved current, with its history since `from`, if that is not too long. */
  read(key: string, from: number | undefined, read: (model: HotModel<U>) => void): Promise<void>
  /** Why somebody may not read a model; undefined if they may. */
  refusal(user: U | undefined, key: string): Promise<FlushoutError | undefined>
  /** Follow all models that fit, those there are and those to come. */
  watch(watch: Watch): Promise<void>
  unwatch(watch: Watch): void
  /** Look for models that fit and were not seen yet. */
  list(watch: Watch, isNew?: boolean): Promise<void>
  /** A stream ended itself. */
  closed(stream: Stream<U>): void
}

/** Somebody who follows all models that fit a pattern. */
export interface Watch {
  readonly pattern: string
  readonly fits: (key: string) => boolean
  readonly view: View
  readonly stream: Pick<Stream, 'enter' | 'isClosed'>
  /** How far it had heard of models when it was connected before, of those that it was not led on from there. */
  readonly since: Map<string, Position> | undefined
  /** The models that it was told of, or may not hear of. */
  readonly seen: Set<string>
}

/** Beyond this much that cannot wait, a connection that takes nothing is ended. */
const MAX_INSISTED_BYTES = 20 * 1024
/** Of the keys that are named in one `heads`; the rest of it is as much again. */
const MAX_HEADS_LENGTH = 16 * 1024
/** What a key takes besides its characters. */
const HEAD_LENGTH = 60

interface Membership {
  readonly channel: Channel
  readonly reader: Reader
}

export class Stream<U extends User = User> implements Listener {
  readonly #hub: StreamHost<U>
  readonly #sink: Sink
  readonly #identify: Identify<U> | undefined
  // By view and key.
  readonly #members = new Map<string, Membership>()
  readonly #watches = new Set<Watch>()
  // Who share the connection: at each model all but the one who is told for them.
  readonly #companions = new Set<Companion>()
  user: U | undefined
  /** When the next heartbeat is due. */
  dueAt = 0
  /** Since when it takes nothing; undefined while it does. */
  fullSince: number | undefined
  #insistedBytes = 0
  #isClosed = false
  #checking: { again: boolean } | undefined
  // What waits until it takes something again.
  #waiting: (() => void)[] = []

  constructor(hub: StreamHost<U>, sink: Sink, identify?: Identify<U>) {
    this.#hub = hub
    this.#sink = sink
    this.#identify = identify
  }

  get isFull(): boolean {
    return this.#isClosed || this.fullSince !== undefined
  }

  get hasWatches(): boolean {
    return this.#watches.size > 0
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Follow what the request names. Resolves when everything of it was told or refused. */
  async start({ models = {}, feeds = [], presence, peers }: LiveRequest): Promise<void> {
    const peer = presence && Presence.nameOf(presence.token)
    const names = peers?.map(({ token }) => Presence.nameOf(token))
    const { heartbeatMs } = this.#hub
    const ready = { heartbeatMs, ...(peer && { peer }), ...(names && { peers: names }) }
    this.write(new Frame({ event: 'ready', ...ready }, false))
    this.user = await this.#identify?.()
    await Promise.all([
      ...Object.entries(models).map(([key, position]) => this.#join(key, documentView, position)),
      ...feeds.map((feed) => this.#watch(feed)),
      ...[...placesOf(presence, peers)].map(([key, company]) => this.#meet(key, company)),
    ])
  }

  write(frame: Frame): void {
    if (this.isFull) return
    if (!this.#sink.write(frame)) this.fullSince = this.#hub.now()
  }

  /** Say what must not be left out, even to who takes nothing now. */
  insist(event: LiveEvent): void {
    if (this.#isClosed) return
    const frame = new Frame(event)
    if (!this.isFull) return this.write(frame)
    this.#insistedBytes += frame.bytes.length
    if (this.#insistedBytes > MAX_INSISTED_BYTES) this.close()
    else this.#sink.write(frame)
  }

  /** The connection takes more again. */
  drained(): void {
    if (this.#isClosed) return
    this.fullSince = undefined
    this.#insistedBytes = 0
    this.#wake()
    const members = [...this.#members]
    for (const [id, member] of members) {
      if (this.isFull) return
      const { at } = member.reader
      member.channel.lead(member.reader)
      if (member.reader.at === at) continue
      // Behind the others: a busy model must not keep the rest from being told.
      this.#members.delete(id)
      this.#members.set(id, member)
    }
    this.#hub.presence.drained(this)
  }

  /** Say how far everything is: who missed something notices. */
  heartbeat(): void {
    let heads: [string, Point][] = []
    let length = 0
    const send = () => {
      this.write(new Frame({ event: 'heads', heads: Object.fromEntries(heads) }, false))
      heads = []
      length = 0
    }
    for (const { channel, reader } of this.#members.values()) {
      if (!reader.at || !channel.head) continue
      const { commandCount, hash } = channel.head
      heads.push([channel.key, { commandCount, hash }])
      length += channel.key.length + HEAD_LENGTH
      if (length >= MAX_HEADS_LENGTH) send()
    }
    send()
  }

  /** Ask again who is connected and what they may read. */
  async check(): Promise<void> {
    if (!this.#identify || this.#isClosed) return
    if (this.#checking) {
      this.#checking.again = true
      return
    }
    const checking = { again: true }
    this.#checking = checking
    try {
      while (checking.again && !this.#isClosed) {
        checking.again = false
        this.user = await this.#identify()
        const keys = new Set([...this.#members.values()].map(({ channel }) => channel.key))
        for (const key of this.#hub.presence.keysOf(this)) keys.add(key)
        await Promise.all([...keys].map((key) => this.#check(key)))
      }
    } catch {
      // Nobody can tell now. A client that comes again is asked at the door.
      this.close()
    } finally {
      this.#checking = undefined
    }
  }

  /** Permissions are others: ask at once, also for what could not be followed before. */
  async permissionsChanged(): Promise<void> {
    await this.check()
    for (const watch of this.#watches) {
      watch.seen.clear()
      await this.#hub.list(watch, true)
    }
  }

  /** A model that one of its feeds fits is there; `isNew` if it came just now. */
  async enter(watch: Watch, { key, head, config }: ListedModel, isNew: boolean): Promise<void> {
    const refusal = await this.#refusal(key)
    // It was not told of the model: it has to come again.
    if (refusal && isPassing(refusal)) return this.close()
    if (refusal || this.#members.has(memberId(key, watch.view))) return
    const { commandCount, hash } = head
    const since = watch.since?.get(key)
    // Should the model come again, it is another.
    watch.since?.delete(key)
    const isFollowed = watch.view !== documentView
    if (!isFollowed) this.#unwatch(watch)
    // Who has heard of it before is led on, however it was found.
    if (isFollowed && since === undefined && (isNew || watch.since !== undefined)) {
      // There may be a thousand of them.
      while (this.isFull && !this.#isClosed) await this.#untilDrained()
      this.#tell(key, 'create', config)
      // What was done to it before it was found.
      if (commandCount > 0) this.insist(watch.view.lost(key, head).event)
    }
    // From where the list found it: it may have gone on since.
    await this.#join(key, watch.view, since ?? { from: commandCount, hash })
  }

  /** A model was configured or deleted. */
  changed(key: string, change: 'configure' | 'delete', config: JsonObject | undefined): void {
    const members = [...this.#members.values()].filter(({ channel }) => channel.key === key)
    const isFollowed = members.some(({ reader }) => reader.view !== documentView)
    const isHeld = members.some(({ reader }) => reader.view === documentView)
    if (isFollowed) this.#tell(key, change, config)
    if (change === 'configure') return
    for (const member of members) this.#leave(member)
    if (!isHeld) return
    this.#refuse(key, new FlushoutError('MODEL_NOT_FOUND', 'The model was deleted.'))
    this.#await(key)
  }

  /** End the connection. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const member of this.#members.values()) this.#leave(member)
    for (const watch of this.#watches) this.#hub.unwatch(watch)
    for (const companion of this.#companions) this.#hub.presence.closed(companion)
    this.#companions.clear()
    this.#hub.closed(this)
    this.#sink.end()
    this.#wake()
  }

  /** Be at `key` with all who share the connection and are there. */
  async #meet(key: string, company: readonly Visitor[]): Promise<void> {
    const refusal = await this.#refusal(key)
    if (refusal) return this.#reject(key, refusal)
    if (this.#isClosed) return
    for (const [index, { token, sequence, state }] of company.entries()) {
      // All hear the same: one is told for all of them.
      const companion = index === 0 ? undefined : new Companion(this)
      if (companion) this.#companions.add(companion)
      const peer = Presence.nameOf(token)
      this.#hub.presence.join(companion ?? this, key, peer, sequence, state)
    }
  }

  async #watch({ models, since, ...feed }: FeedRequest): Promise<void> {
    const watch: Watch = {
      pattern: models,
      fits: compileKeyPattern(models),
      view: createFeedView(feed),
      stream: this,
      since: since && new Map(Object.entries(since)),
      seen: new Set(),
    }
    this.#watches.add(watch)
    await this.#hub.watch(watch)
    const known = Object.keys(since ?? {})
    const missing = known.filter((key) => watch.fits(key) && !watch.seen.has(key))
    await Promise.all(missing.map((key) => this.#miss(key)))
  }

  /** Follow a model that it holds, and that is not there, as soon as it comes again. */
  #await(key: string): void {
    if ([...this.#watches].some(({ pattern, view }) => pattern === key && view === documentView))
      return
    if (this.#identify && this.#watches.size >= this.#hub.maxModels) return
    const fits = (other: string) => other === key
    const seen = new Set<string>()
    const watch: Watch = {
      pattern: key,
      fits,
      view: documentView,
      stream: this,
      since: undefined,
      seen,
    }
    this.#watches.add(watch)
    // The hub looks again from time to time.
    this.#hub.watch(watch).catch(() => {})
  }

  #unwatch(watch: Watch): void {
    this.#watches.delete(watch)
    this.#hub.unwatch(watch)
  }

  /** A model that it had heard of is not among those that there are. */
  async #miss(key: string): Promise<void> {
    const refusal = await this.#refusal(key)
    if (refusal) return isPassing(refusal) ? this.close() : undefined
    if (!(await this.#hub.heads.ask(key))) this.#tell(key, 'delete', undefined)
  }

  /** Follow one model from `position`; from now on without one. */
  async #join(key: string, view: View, position: Position | null): Promise<void> {
    const refusal = await this.#refusal(key)
    const id = memberId(key, view)
    if (this.#isClosed || this.#members.has(id)) return
    if (refusal) return this.#reject(key, refusal)
    if (this.#identify && this.#members.size >= this.#hub.maxModels) {
      const message = `A connection follows at most ${this.#hub.maxModels} models.`
      return this.#refuse(key, new FlushoutError('BUSY', message))
    }
    const channel = this.#hub.channel(key)
    const reader: Reader = { listener: this, view, at: undefined }
    const member: Membership = { channel, reader }
    // Before anything is looked up: what happens meanwhile is kept for it.
    channel.readers.add(reader)
    this.#members.set(id, member)
    try {
      await this.#place(member, position)
    } catch (error) {
      // It may have left meanwhile, and even be back.
      if (!channel.readers.has(reader)) return
      this.#leave(member)
      if (!isFlushoutError(error)) this.close()
      else if (error.code === 'MODEL_NOT_FOUND' && view !== documentView) {
        this.#tell(key, 'delete', undefined)
      } else {
        this.#reject(key, error)
        if (error.code === 'MODEL_NOT_FOUND' && !this.#isClosed) this.#await(key)
      }
    }
  }

  async #place({ channel, reader }: Membership, position: Position | null): Promise<void> {
    const { key } = channel
    const head = await this.#hub.heads.ask(key)
    if (!channel.readers.has(reader)) return
    if (!head && position) throw new FlushoutError('MODEL_NOT_FOUND', 'There is no such model.')
    if (head && (!position || isSame(head, pointOf(position)))) {
      this.#showHead(key, head)
      channel.place(reader, head)
      return this.#hub.found(channel, head)
    }
    await this.#hub.read(key, position?.from, ({ master }) => {
      if (!channel.readers.has(reader)) return
      const { commandCount, hash } = master
      const entries = position && entriesSince(master, position)
      if (!entries) return channel.placeAnew(reader, { commandCount, hash })
      if (entries.length === 0) this.#showHead(key, { commandCount, hash })
      reader.at = pointOf(position)
      for (const { to, frame } of reader.view.steps(key, position.hash, entries)) {
        if (this.isFull) break
        this.write(frame)
        reader.at = to
      }
      channel.place(reader, reader.at)
    })
  }

  #showHead(key: string, { commandCount, hash }: Point): void {
    this.write(new Frame({ event: 'heads', heads: { [key]: { commandCount, hash } } }, false))
  }

  async #check(key: string): Promise<void> {
    const refusal = await this.#refusal(key)
    if (!refusal || this.#isClosed) return
    if (isPassing(refusal)) return this.close()
    for (const member of this.#members.values()) {
      if (member.channel.key === key) this.#leave(member)
    }
    this.#refuse(key, refusal)
  }

  #refusal(key: string): Promise<FlushoutError | undefined> | undefined {
    return this.#identify && this.#hub.refusal(this.user, key)
  }

  #reject(key: string, refusal: FlushoutError): void {
    // Whether it may cannot be told now; it comes again, and asks again.
    if (isPassing(refusal)) this.close()
    else this.#refuse(key, refusal)
  }

  #refuse(models: string, { code, message, retry, retryAfterMs }: FlushoutError): void {
    for (const onlooker of [this, ...this.#companions]) this.#hub.presence.leave(onlooker, models)
    this.insist({
      event: 'refused',
      models,
      code,
      message,
      retry,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
  }

  #tell(
    key: string,
    change: 'create' | 'configure' | 'delete',
    config: JsonObject | undefined,
  ): void {
    this.insist({ event: 'model', key, change, ...(config && { config }) })
  }

  #leave({ channel, reader }: Membership): void {
    this.#members.delete(memberId(channel.key, reader.view))
    this.#hub.leave(channel, reader)
  }

  /** Resolves when it takes something again, or never will. */
  #untilDrained(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

function pointOf({ from, hash }: Position): Point {
  return { commandCount: from, hash }
}

function isPassing({ retry }: FlushoutError): boolean {
  return retry === 'same-flush'
}

function memberId(key: string, { id }: View): string {
  return `${id} ${key}`
}

/** What happened since `position`; undefined where that is not known, or is another past. */
function entriesSince(
  master: { since(position: Position): readonly LogEntry[] | undefined },
  position: Position,
): readonly LogEntry[] | undefined {
  try {
    return master.since(position)
  } catch {
    return undefined
  }
}
