import {
  isFlushoutError,
  toAppliedFlush,
  type LiveEvent,
  type LiveRequest,
  type Master,
  type Position,
  type PresenceRequest,
} from '@flushout/core'
import type { LiveSink } from '../direct-transport.ts'

/** Who hears of some models. */
interface Listener {
  readonly sink: LiveSink
  /** How far it was told. */
  readonly positions: Map<string, Position>
}

/** Tells clients what happens to masters in memory: the live side of a test server. */
export class TestLive {
  /** What clients told about themselves, oldest first. */
  readonly announced: PresenceRequest[] = []
  readonly #find: (key: string) => Master
  readonly #heartbeatMs: number
  readonly #listeners = new Set<Listener>()

  constructor(find: (key: string) => Master, heartbeatMs: number) {
    this.#find = find
    this.#heartbeatMs = heartbeatMs
  }

  /** How many connections are open. */
  get open(): number {
    return this.#listeners.size
  }

  /** What `Backend` asks for. */
  connect({ models = {} }: LiveRequest, sink: LiveSink): { readonly close: () => void } {
    const listener: Listener = { sink, positions: new Map() }
    this.#listeners.add(listener)
    sink.write({ event: { event: 'ready', heartbeatMs: this.#heartbeatMs }, isNews: false })
    for (const [key, position] of Object.entries(models)) this.#bring(listener, key, position, true)
    return { close: () => void this.#listeners.delete(listener) }
  }

  /** Something may have happened to the model. */
  changed(key: string): void {
    for (const listener of this.#listeners) {
      const position = listener.positions.get(key)
      if (position) this.#bring(listener, key, position)
    }
  }

  /** Tell everybody who is connected. */
  tell(event: LiveEvent): void {
    for (const { sink } of this.#listeners) sink.write({ event, isNews: true })
  }

  /** Tell everybody how far all models are, as a server does from time to time. */
  beat(): void {
    for (const { positions, sink } of this.#listeners) {
      const known = [...positions.keys()].map((key) => [key, this.#head(key)] as const)
      sink.write({ event: { event: 'heads', heads: Object.fromEntries(known) }, isNews: true })
    }
  }

  /** End all connections, after a word about when to come again if that is given. */
  end(retryAfterMs?: number): void {
    if (retryAfterMs !== undefined) this.tell({ event: 'bye', retryAfterMs })
    for (const { sink } of this.#listeners) sink.end()
  }

  /** Tell how far the model is, and what led there if that joins. */
  #bring(listener: Listener, key: string, position: Position | null, isNew = false): void {
    const { sink, positions } = listener
    const tell = (event: LiveEvent, isNews = true) => sink.write({ event, isNews })
    try {
      const { commandCount, hash } = this.#head(key)
      const entries = position ? this.#since(key, position) : []
      positions.set(key, { from: commandCount, hash })
      if (entries && entries.length > 0) {
        const updates = entries.map((entry) => toAppliedFlush(entry, false))
        tell({ event: 'updates', key, base: position!.hash, commandCount, hash, updates })
      } else if (isNew || !entries) {
        tell({ event: 'heads', heads: { [key]: { commandCount, hash } } }, !entries)
      }
    } catch (error) {
      if (!isFlushoutError(error)) throw error
      positions.delete(key)
      const { code, message, retry } = error
      tell({ event: 'refused', models: key, code, message, retry })
    }
  }

  /** The history from there on; undefined if it does not lead here. */
  #since(key: string, position: Position) {
    try {
      return this.#find(key).since(position)
    } catch (error) {
      if (isFlushoutError(error) && error.code === 'HISTORY_CHANGED') return undefined
      throw error
    }
  }

  #head(key: string): { readonly commandCount: number; readonly hash: string } {
    const { commandCount, hash } = this.#find(key)
    return { commandCount, hash }
  }
}
