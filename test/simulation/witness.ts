import type { LiveEvent, LiveRequest, User } from '@flushout/core'
import type { Stage } from './stage.ts'
import { Violation } from './violation.ts'

/** What a server may keep of a stream whose page takes nothing. */
const STALLED_BYTES = 150_000

const ITEMS = ' items'

export interface WitnessOptions {
  readonly stage: Stage
  readonly server: string
  readonly request: LiveRequest
  /** Who is connected. */
  readonly user: User | undefined
  /** Since when that user may not hear of a model; undefined if they may. */
  readonly forbiddenSince: (key: string) => number | undefined
  /** When the server was told that permissions are others. */
  readonly toldAt: (key: string) => number | undefined
  /** Until when the server may go on with what it knew, if it stood still. */
  readonly graceMs: () => number
}

/** Hears all that a server says on one link, and checks it before the network has its way. */
export class Witness {
  readonly #options: WitnessOptions
  readonly #openedAt: number
  // The counts that were named for each model, and where what was said of it, or of
  // its items, ended.
  readonly #points = new Map<string, Set<number>>()
  readonly #ends = new Map<string, number>()
  // What was said since the page took nothing; undefined while it does.
  #stalledBytes: number | undefined

  constructor(options: WitnessOptions) {
    this.#options = options
    this.#openedAt = options.stage.scheduler.now
    for (const [key, position] of Object.entries(options.request.models ?? {})) {
      if (position) this.#name(key, position.from)
    }
    for (const { since = {} } of options.request.feeds ?? []) {
      for (const [key, { from }] of Object.entries(since)) this.#name(key, from)
    }
  }

  /** Note whether the page takes more. */
  taken(mayGoOn: boolean): boolean {
    if (mayGoOn) this.#stalledBytes = undefined
    else this.#stalledBytes ??= 0
    return mayGoOn
  }

  hear(event: LiveEvent, bytes: number): void {
    if (this.#stalledBytes !== undefined) this.#stalledBytes += bytes
    if ((this.#stalledBytes ?? 0) > STALLED_BYTES) {
      throw new Violation('bounded', `${this.#server} writes to a page that takes nothing`)
    }
    switch (event.event) {
      case 'updates':
        this.#checkPermission(event.key, event)
        this.#checkPoint(event.key, event)
        return this.#checkJoin(event, '', event.updates[0]?.from)
      case 'heads':
        for (const [key, head] of Object.entries(event.heads)) {
          this.#checkPermission(key, event)
          this.#checkPoint(key, head)
          this.#name(key, head.commandCount)
        }
        return
      case 'feed':
        this.#checkPermission(event.key, event)
        this.#checkPoint(event.key, event)
        return this.#checkJoin(event, ITEMS, isReset(event) ? undefined : event.from)
      case 'refused':
        return this.#forget(event.models)
      case 'model':
        if (event.change === 'delete') this.#forget(event.key)
        return this.#checkPermission(event.key, event)
      case 'presence':
        return this.#checkPermission(event.key, event)
      default:
    }
  }

  get #server(): string {
    return this.#options.server
  }

  #name(key: string, count: number): void {
    const points = this.#points.get(key)
    if (points) points.add(count)
    else this.#points.set(key, new Set([count]))
  }

  /** One that comes again begins anew. */
  #forget(key: string): void {
    this.#points.delete(key)
    this.#ends.delete(key)
    this.#ends.delete(key + ITEMS)
  }

  #checkPermission(key: string, found: LiveEvent): void {
    const { stage, forbiddenSince, toldAt, graceMs, user } = this.#options
    const since = forbiddenSince(key)
    if (since === undefined) return
    const who = user?.id ?? 'nobody'
    if (since < this.#openedAt) {
      throw new Violation('permitted', `${this.#server} told ${who} of ${key}`, { found })
    }
    const { now } = stage.scheduler
    const told = toldAt(key)
    const isLate = now > since + graceMs() || (told !== undefined && told >= since && now > told)
    if (!isLate) return
    throw new Violation('stopped in time', `${this.#server} still tells ${who} of ${key}`, {
      found,
    })
  }

  #checkPoint(
    key: string,
    { commandCount, hash }: { readonly commandCount: number; readonly hash: string },
  ): void {
    if (this.#options.stage.chronicle.hasBeenAt(key, commandCount, hash)) return
    throw new Violation('no phantom', `${this.#server} tells of what was never committed`, {
      found: { commandCount, hash },
    })
  }

  /** What begins at `from`, if anywhere, continues what was said of the model, or of its items. */
  #checkJoin(
    { key, commandCount }: { readonly key: string; readonly commandCount: number },
    what: string,
    from: number | undefined,
  ): void {
    const id = key + what
    const end = this.#ends.get(id)
    this.#ends.set(id, commandCount)
    if (from !== undefined) {
      const isAgain = from < (end ?? 0) && this.#options.stage.chronicle.rewrites(key) === 0
      // Where it begins may be left out for a page that takes nothing.
      const points = this.#points.get(key) ?? new Set([from])
      if (isAgain || !points.has(from)) {
        throw new Violation('joined', `${this.#server} about ${id}`, {
          expected: end ?? [...points],
          found: from,
        })
      }
    }
    this.#name(key, commandCount)
  }
}

function isReset({ events }: Extract<LiveEvent, { event: 'feed' }>): boolean {
  return events.some(({ kind }) => kind === 'reset')
}
