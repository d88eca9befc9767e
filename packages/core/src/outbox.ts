import type { CheckedGiven } from './check.ts'
import { FlushoutError } from './errors.ts'
import { endOfUnit, measureUnit, toFlushGroups, type PendingGroup } from './group.ts'
import { PROTOCOL, type Flush } from './protocol.ts'
import { FIRST_VERSION } from './versions.ts'

const TIMELESS = '~'

/** What a flush is made of. */
export interface FlushSource {
  /** How far the master vouched, and the history hash there. */
  readonly confirmed: number
  readonly hash: string
  /** What waits to be sent, in order, each with its size in characters of JSON. */
  readonly pending: readonly Sendable[]
  /** How many of those may be sent now. */
  readonly sendable: number
}

interface Sendable {
  readonly command: CheckedGiven
  readonly size: number
  readonly group: PendingGroup | undefined
}

export interface OutboxOptions {
  readonly createId: () => string
  readonly maxCommands: number
  readonly maxBytes: number
  /** The schema version of all commands, and the one that is known here. */
  readonly schema: number
  readonly readerSchema: number
  /** Go on where another outbox was. */
  readonly memory?: OutboxMemory | undefined
}

interface OutboxMemory {
  readonly clientId: string
  readonly sequence: number
  readonly flight?: Flush | undefined
}

/**
 * The flushes of one client, one after the other: numbered, limited in size, and
 * held unchanged until they are answered, because the master may have applied
 * them whatever the network says.
 */
export class Outbox {
  readonly #options: OutboxOptions
  #clientId: string
  // Of the last flush that was answered.
  #sequence: number
  // In flight, or cancelled and to be sent again.
  #flush: Flush | undefined
  // Between `begin` and its end or cancelling: nobody may begin another.
  #isUnderWay = false
  #isRepeated = false
  #maxCommands: number
  readonly #schemas: Pick<Flush, 'schema' | 'readerSchema'>

  constructor(options: OutboxOptions) {
    const { memory } = options
    this.#options = options
    this.#clientId = memory?.clientId ?? options.createId()
    this.#sequence = memory?.sequence ?? 0
    const { schema, readerSchema } = options
    const isOld = schema !== readerSchema
    this.#schemas = { ...(schema > FIRST_VERSION && { schema }), ...(isOld && { readerSchema }) }
    // What it was sent by before may have known another version.
    this.#flush = memory?.flight && Object.freeze({ ...memory.flight, ...this.#schemas })
    this.#maxCommands = options.maxCommands
  }

  get clientId(): string {
    return this.#clientId
  }

  /** The number of the last flush that was answered. */
  get sequence(): number {
    return this.#sequence
  }

  /** The flush that was not answered yet. */
  get flush(): Flush | undefined {
    return this.#flush
  }

  /** Whether the flush was sent more than once: the master may have applied it long ago. */
  get isRepeated(): boolean {
    return this.#isRepeated
  }

  /**
   * The flush to send now: the one that was not answered yet, or a new one;
   * undefined where nothing is pending, unless `isPull`. Throws FLUSH_IN_PROGRESS.
   */
  begin(source: FlushSource, isPull: boolean): Flush | undefined {
    if (this.#flush && this.#isUnderWay) {
      throw new FlushoutError(
        'FLUSH_IN_PROGRESS',
        `Flush ${this.#flush.sequence} is in progress; end or cancel it first.`,
      )
    }
    const flush = this.#flush ?? this.#create(source)
    if (flush.commands.length === 0 && !isPull) return undefined
    this.#isRepeated = this.#flush !== undefined
    this.#flush = flush
    this.#isUnderWay = true
    return flush
  }

  /** Send the same flush again next time. A question for news is no promise, and is forgotten. */
  cancel(): void {
    if (this.#flush?.commands.length === 0) this.#flush = undefined
    this.#isUnderWay = false
  }

  /**
   * Send the same flush again next time, but ask for a snapshot and claim no past.
   * It keeps its identity, so that an earlier copy of it, still on its way, does
   * no harm; and it does not grow, or a server might refuse it for its size.
   */
  distrust(): void {
    if (this.#flush) this.#flush = Object.freeze({ ...this.#flush, hash: '' })
    this.cancel()
  }

  /** The flush was answered: the next one has the next number. */
  end(): void {
    if (this.#flush && this.#flush.commands.length > 0) this.#sequence += 1
    this.#maxCommands = this.#options.maxCommands
    this.#flush = undefined
  }

  /** The master is known not to have applied the flush: its number is free again. */
  release(): void {
    this.#flush = undefined
  }

  /**
   * Release the flush and make the next ones half as long, until one is answered. False,
   * with nothing done, if it has one command, or one atomic group.
   */
  halve(): boolean {
    const { commands = [], groups: [first] = [] } = this.#flush ?? {}
    if (commands.length <= (first?.atomic && first.at === 0 ? first.count : 1)) return false
    this.#maxCommands = Math.ceil(commands.length / 2)
    this.release()
    return true
  }

  /**
   * Go on as a new client, whose flushes the master knows nothing of. One that `isExpired`
   * gets an id that nobody takes for an old one, whatever the clock here says; and all
   * copies of it get the same, so that the master still tells one from the other.
   */
  restart(isExpired: boolean): void {
    this.#clientId = isExpired ? `${TIMELESS}${this.#clientId}` : this.#options.createId()
    this.#sequence = 0
    this.release()
  }

  #create({ confirmed, hash, pending, sendable }: FlushSource): Flush {
    let count = 0
    let bytes = 0
    for (let end = 0; count < sendable; count = end) {
      end = endOfUnit(pending, count)
      bytes += measureUnit(pending, count, end)
      // One unit always fits: a proxy refuses what is larger.
      const isFull =
        end > this.#maxCommands || bytes > this.#options.maxBytes || hasReadMade(pending, count)
      if (isFull && count > 0) break
    }
    const sent = pending.slice(0, count)
    const commands = sent.map(({ command }) => command)
    const groups = toFlushGroups(sent)
    return Object.freeze({
      protocol: PROTOCOL,
      clientId: this.#clientId,
      sequence: commands.length > 0 ? this.#sequence + 1 : 0,
      from: confirmed,
      hash,
      commands: Object.freeze(commands),
      ...(groups.length > 0 && { groups: Object.freeze(groups) }),
      ...this.#schemas,
    })
  }
}

/** Whether the group at `at` has read what a named command before it made: the master may make something else. */
function hasReadMade(pending: readonly Sendable[], at: number): boolean {
  const isReading = pending[at]!.group?.reads !== undefined
  return isReading && pending.slice(0, at).some(({ command }) => command.action === 'run')
}
