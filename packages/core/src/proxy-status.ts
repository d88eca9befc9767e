import type { GivenCommand } from './command.ts'
import { Listeners } from './listeners.ts'
import { ROOT, type Path } from './path.ts'
import type { Remap } from './protocol.ts'
import type { Loss } from './loss.ts'

/** Where the commands of a proxy are. A new object whenever one of its fields changes. */
export interface ProxyStatus {
  /** Applied here, in no flush yet. */
  readonly queued: number
  /** In a flush that was not answered yet. */
  readonly inFlight: number
  /** How many commands the master vouched for. */
  readonly confirmed: number
  /** How many entries `rejections` has. */
  readonly rejected: number
  /**
   * How often the master had another past than the one it had vouched for, as
   * after a restored backup: what it confirmed before may be gone.
   */
  readonly historyChanges: number
}

/** A command that showed in the document, and then was refused or could not apply. */
export type LostCommand = Loss & {
  /** As the application gave it, renames followed. */
  readonly command: GivenCommand
  /** The node that it concerns: that which it creates, updates or deletes. */
  readonly path: Path
  /** When it was lost, in milliseconds since 1970. */
  readonly at: number
  /** It was given to wait for the master, so it never showed. */
  readonly wait?: boolean
  /** The atomic group that it was lost with: the same `id` for all of it. */
  readonly group?: { readonly id: string; readonly label?: string }
}

/** What `endFlush` made of an answer. */
export type EndResult =
  | {
      readonly ok: true
      /** Nodes that now have another id than the one under which they were created. */
      readonly remaps: readonly Remap[]
    }
  /**
   * NO_FLUSH: the answer belongs to no flush in flight and was ignored.
   * ANSWER_INVALID: it could not be used; the flush is sent again, for a snapshot.
   */
  | { readonly ok: false; readonly code: 'NO_FLUSH' | 'ANSWER_INVALID' }

// Beyond this many the oldest are forgotten, so that memory stays bounded.
const MAX_REJECTIONS = 1_000
const NO_REJECTIONS: readonly LostCommand[] = Object.freeze([])

/** Where the counts of a status come from. */
interface Counted {
  readonly confirmed: number
  readonly queue: { readonly commands: readonly unknown[]; readonly inFlight: number }
}

/** The status and the rejections of a proxy, and those who want to hear of them. */
export class StatusBoard {
  readonly #replica: Counted
  readonly #listeners = new Listeners()
  historyChanges = 0
  #rejections = NO_REJECTIONS
  #status: ProxyStatus | undefined
  // What the listeners know.
  #told: { readonly status: ProxyStatus; readonly rejections: readonly LostCommand[] } | undefined

  constructor(replica: Counted) {
    this.#replica = replica
  }

  /** The same object until one of its fields changes. */
  get status(): ProxyStatus {
    const { confirmed, queue } = this.#replica
    const { inFlight } = queue
    const queued = queue.commands.length - inFlight
    const rejected = this.#rejections.length
    const { historyChanges } = this
    const last = this.#status
    if (
      last?.queued !== queued ||
      last.inFlight !== inFlight ||
      last.confirmed !== confirmed ||
      last.rejected !== rejected ||
      last.historyChanges !== historyChanges
    ) {
      this.#status = Object.freeze({ queued, inFlight, confirmed, rejected, historyChanges })
    }
    return this.#status!
  }

  get rejections(): readonly LostCommand[] {
    return this.#rejections
  }

  lose(lost: LostCommand): void {
    this.#rejections = Object.freeze([...this.#rejections, lost].slice(-MAX_REJECTIONS))
  }

  dismiss(lost: LostCommand): void {
    const rest = this.#rejections.filter((other) => other !== lost)
    if (rest.length < this.#rejections.length) this.#rejections = Object.freeze(rest)
  }

  /** Call `listener` whenever `publish` finds another status or other rejections. */
  subscribe(listener: () => void): () => void {
    if (this.#listeners.isEmpty) this.#told = this.#now()
    return this.#listeners.add(ROOT, listener)
  }

  publish(): void {
    if (this.#listeners.isEmpty) return
    const now = this.#now()
    if (now.status === this.#told?.status && now.rejections === this.#told.rejections) return
    this.#told = now
    this.#listeners.call([ROOT])
  }

  #now(): { readonly status: ProxyStatus; readonly rejections: readonly LostCommand[] } {
    return { status: this.status, rejections: this.#rejections }
  }
}
