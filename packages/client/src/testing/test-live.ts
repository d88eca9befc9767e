import {
  isFlushoutError,
  toAppliedFlush,
  type LiveEvent,
  type LiveRequest,
  type Master,
  type Position,
  type PresenceRequest,
} from '@flushout/core'
import type { LiveTransport } from '../transport.ts'

/** Who hears of some models. */
interface Listener {
  /** How far it was told. */
  readonly positions: Map<string, Position>
  readonly hear: (event: LiveEvent) => void
  readonly end: () => void
  /** Of a poll: answer it, with nothing if there is nothing. */
  readonly endPoll?: () => void
}

/** Tells clients what happens to masters in memory: the live side of a test server. */
export class TestLive implements LiveTransport {
  /** What clients told about themselves, oldest first. */
  readonly announced: PresenceRequest[] = []
  readonly #find: (key: string) => Master
  readonly #heartbeatMs: number
  readonly #listeners = new Set<Listener>()

  constructor(find: (key: string) => Master, heartbeatMs: number) {
    this.#find = find
    this.#heartbeatMs = heartbeatMs
  }

  /** How many streams and polls are open. */
  get open(): number {
    return this.#listeners.size
  }

  stream: LiveTransport['stream'] = (request, hear, signal) =>
    this.#listen(request, signal, (resolve) => {
      hear({ event: 'ready', heartbeatMs: this.#heartbeatMs })
      return { hear, end: resolve }
    })

  async poll(request: LiveRequest, signal: AbortSignal): Promise<readonly LiveEvent[]> {
    const events: LiveEvent[] = []
    await this.#listen(request, signal, (end) => ({
      end,
      endPoll: end,
      hear(event) {
        // That it is in step is no news to who has just said so.
        if (event.event === 'heads' && isInStep(request, event)) return
        events.push(event)
        queueMicrotask(end)
      },
    }))
    return events
  }

  announce = async (presence: PresenceRequest): Promise<void> => {
    this.announced.push(presence)
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
    for (const { hear } of this.#listeners) hear(event)
  }

  /** Tell everybody how far all models are, as a server does from time to time. */
  beat(): void {
    for (const { positions, hear, endPoll } of this.#listeners) {
      const known = [...positions.keys()].map((key) => [key, this.#head(key)] as const)
      hear({ event: 'heads', heads: Object.fromEntries(known) })
      endPoll?.()
    }
  }

  /** End all connections, after a word about when to come again if that is given. */
  end(retryAfterMs?: number): void {
    if (retryAfterMs !== undefined) this.tell({ event: 'bye', retryAfterMs })
    for (const { end } of this.#listeners) end()
  }

  #listen(
    { models = {} }: LiveRequest,
    signal: AbortSignal,
    join: (resolve: () => void) => Omit<Listener, 'positions'>,
  ): Promise<void> {
    return new Promise((resolve) => {
      const leave = () => {
        this.#listeners.delete(listener)
        resolve()
      }
      const listener: Listener = { positions: new Map(), ...join(leave) }
      this.#listeners.add(listener)
      signal.addEventListener('abort', leave, { once: true })
      for (const [key, position] of Object.entries(models)) {
        this.#bring(listener, key, position, true)
      }
    })
  }

  /** Tell how far the model is, and what led there if that joins. */
  #bring(listener: Listener, key: string, position: Position | null, isNew = false): void {
    const { hear, positions } = listener
    try {
      const master = this.#find(key)
      const { commandCount, hash } = master
      const news = position ? master.since(position) : []
      positions.set(key, { from: commandCount, hash })
      if (news && news.length > 0) {
        const updates = news.map((entry) => toAppliedFlush(entry, false))
        hear({ event: 'updates', key, commandCount, hash, updates })
      } else if (isNew || !news) hear({ event: 'heads', heads: { [key]: { commandCount, hash } } })
    } catch (error) {
      if (!isFlushoutError(error)) throw error
      if (error.code === 'HISTORY_CHANGED') {
        const head = this.#head(key)
        positions.set(key, { from: head.commandCount, hash: head.hash })
        return hear({ event: 'heads', heads: { [key]: head } })
      }
      positions.delete(key)
      const { code, message, retry } = error
      hear({ event: 'refused', models: key, code, message, retry })
    }
  }

  #head(key: string): { readonly commandCount: number; readonly hash: string } {
    const { commandCount, hash } = this.#find(key)
    return { commandCount, hash }
  }
}

function isInStep({ models = {} }: LiveRequest, { heads }: LiveEvent & { event: 'heads' }) {
  return Object.entries(heads).every(
    ([key, head]) => models[key]?.from === head.commandCount && models[key].hash === head.hash,
  )
}
