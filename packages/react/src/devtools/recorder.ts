import type { Client, ClientEvent, Model, ModelStatus } from '@flushout/client'
import type { Exchanged, LogLine } from './log-line.ts'
import { withoutDocument } from './without-document.ts'

/** A model in memory, and how it stands. Another object whenever its status is another. */
export interface WatchedModel {
  readonly model: Model
  readonly status: ModelStatus
}

/** What is known of a client. */
export interface RecorderView {
  /** In the order of their keys. */
  readonly models: readonly WatchedModel[]
  /** Oldest first. */
  readonly lines: readonly LogLine[]
}

type WithoutId<Line> = Line extends unknown ? Omit<Line, 'id'> : never

/** Older lines are forgotten. */
const MAX_LINES = 500

/** Takes notes of what a client does, as long as somebody reads them. For `useSyncExternalStore`. */
export class Recorder {
  readonly client: Client
  readonly #listeners = new Set<() => void>()
  readonly #watched = new Map<Model, () => void>()
  readonly #states = new Map<Model, ModelStatus['state']>()
  #lines: readonly LogLine[] = []
  // Lines of exchanges that are under way.
  readonly #open = new Map<number, number>()
  #lastId = 0
  #stopHearing = () => {}
  #view: RecorderView = { models: [], lines: [] }
  #isTelling = false

  constructor(client: Client) {
    this.client = client
  }

  getView = (): RecorderView => this.#view

  subscribe = (listener: () => void): (() => void) => {
    const own = () => listener()
    this.#listeners.add(own)
    if (this.#listeners.size === 1) this.#start()
    return () => {
      this.#listeners.delete(own)
      if (this.#listeners.size === 0) this.#stop()
    }
  }

  /** Forget what was noted. */
  clear(): void {
    this.#lines = []
    this.#open.clear()
    this.#tellSoon()
  }

  #start(): void {
    const { client } = this
    this.#stopHearing = client.inspect((event) => this.#take(event))
    this.#meet()
    this.#compose()
  }

  #stop(): void {
    this.#stopHearing()
    for (const leave of this.#watched.values()) leave()
    this.#watched.clear()
    this.#states.clear()
    // Nobody hears how they end.
    this.#open.clear()
  }

  #take(event: ClientEvent): void {
    switch (event.kind) {
      case 'opened':
      case 'forgotten':
        return this.#meet()
      case 'sent': {
        const { key, at, exchange, flush } = event
        this.#open.set(exchange, this.#lastId + 1)
        return this.#add({ kind: 'exchange', key, at, flush, ...UNDER_WAY })
      }
      case 'answered':
        return this.#end(event, { answer: withoutDocument(event.answer) })
      case 'failed':
        return this.#end(event, { error: event.error })
      case 'settled':
        // How many were applied is seen by the answer to their flush.
        return event.outcome.kind === 'applied' ? undefined : this.#add(event)
      case 'heard':
      case 'rebased':
        return this.#add(event)
    }
  }

  /** Get to know the models that are in memory now. */
  #meet(): void {
    const models = new Set(this.client.models)
    for (const [model, leave] of this.#watched) {
      if (models.has(model)) continue
      leave()
      this.#watched.delete(model)
      this.#states.delete(model)
    }
    for (const model of models) {
      if (this.#watched.has(model)) continue
      this.#states.set(model, model.status.state)
      this.#watched.set(
        model,
        model.subscribeStatus(() => this.#follow(model)),
      )
    }
    this.#tellSoon()
  }

  #follow(model: Model): void {
    const { key, status } = model
    const from = this.#states.get(model)
    if (from !== undefined && from !== status.state) {
      const { state: to, since: at, error } = status
      this.#add({ kind: 'state', key, at, from, to, error })
    }
    this.#states.set(model, status.state)
    this.#tellSoon()
  }

  #add(line: WithoutId<LogLine>): void {
    this.#lastId += 1
    this.#lines = [...this.#lines.slice(1 - MAX_LINES), { ...line, id: this.#lastId }]
    this.#tellSoon()
  }

  #end({ exchange, at }: { exchange: number; at: number }, end: Partial<Exchanged>): void {
    const id = this.#open.get(exchange)
    this.#open.delete(exchange)
    this.#lines = this.#lines.map((line) =>
      line.id === id ? { ...line, ...end, durationMs: at - line.at } : line,
    ) as LogLine[]
    this.#tellSoon()
  }

  /** Once for all that goes on in one step, and not in the midst of it. */
  #tellSoon(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    queueMicrotask(() => {
      this.#isTelling = false
      this.#compose()
      for (const listener of this.#listeners) listener()
    })
  }

  #compose(): void {
    const known = new Map(this.#view.models.map((watched) => [watched.model, watched]))
    const models = [...this.#watched.keys()]
      .map((model) => {
        const { status } = model
        const before = known.get(model)
        return before?.status === status ? before : { model, status }
      })
      .toSorted((a, b) => (a.model.key < b.model.key ? -1 : 1))
    this.#view = { models, lines: this.#lines }
  }
}

const UNDER_WAY = { durationMs: undefined, answer: undefined, error: undefined }

const recorders = new WeakMap<Client, Recorder>()

/** The recorder of a client; the same at each call. */
export function recorderOf(client: Client): Recorder {
  let recorder = recorders.get(client)
  if (!recorder) {
    recorder = new Recorder(client)
    recorders.set(client, recorder)
  }
  return recorder
}
