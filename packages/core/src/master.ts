// The authority over one model. A flush goes through these states:
//
//   stage ──► staged ──► commit    it is history
//     │          └─────► rollback  it never happened
//     └► refused (thrown), nothing changed
//
// Several flushes may be staged one after the other, each on top of the one
// before, and are committed or rolled back together: that is how a server joins
// many flushes in one write to its database. Everything here is synchronous;
// whoever stores things does it between `stage` and `commit`.
import { checkSnapshot } from './answer.ts'
import { checkCommand, type CheckedCommand } from './check.ts'
import type { Rejection } from './command.ts'
import { DocumentTree, type Change } from './document.ts'
import { FlushoutError } from './errors.ts'
import { endOf, toAppliedFlush, type ClientRecord, type LogEntry } from './history.ts'
import { intercept } from './intercept.ts'
import type { DocumentView, Interceptor, InterceptorContext, User } from './interceptor.ts'
import { measureJson, type JsonObject, type JsonValue } from './json.ts'
import { startsWith, type Path } from './path.ts'
import type { Flush, FlushAnswer, PullAnswer, Remap, Snapshot, Sync, Verdict } from './protocol.ts'
import { createRandom } from './random.ts'
import { remapCommand, withFreeId } from './remap.ts'

/** Who sends a flush and when: made once for each, so that doing it again gives the same. */
export interface FlushContext<U extends User = User> {
  readonly user: U | undefined
  /** Milliseconds since 1970. */
  readonly now: number
  /** Where the random numbers of interceptors come from. */
  readonly seed: string
}

export interface MasterOptions<U extends User = User> {
  /** Gives the id of a node that has none or whose id is taken. */
  readonly createId: () => string
  /** A hash of `text`, the same everywhere, that nobody can aim at. */
  readonly digest: (text: string) => string
  readonly interceptors?: readonly Interceptor<U>[]
  /** Characters of JSON that the document may take. Default 1,048,576. */
  readonly maxDocumentBytes?: number
  /**
   * Characters of JSON of the latest history that is kept in memory, to answer
   * with updates instead of a snapshot. 0 keeps none. Default 262,144.
   */
  readonly maxHistoryBytes?: number
  /** Hears what an interceptor threw; the client is told only that it did. */
  readonly onInterceptorError?: (error: unknown) => void
}

/** A flush that was applied in memory and waits for `commit`. */
export interface Staged {
  readonly answer: FlushAnswer
  /** What to store with it; undefined when nothing was applied. */
  readonly entry: LogEntry | undefined
  /** What to store with it; undefined for a repeated or an empty flush. */
  readonly client: ClientRecord | undefined
}

interface Undo {
  readonly changes: Change[]
  readonly commandCount: number
  readonly hash: string
  readonly entry: LogEntry | undefined
  readonly clientId: string
  readonly client: ClientRecord | undefined
}

const DEFAULT_DOCUMENT_BYTES = 1024 * 1024
const DEFAULT_HISTORY_BYTES = 256 * 1024

/** Applies the flushes of all clients to one model, in one order. */
export class Master<U extends User = User> implements DocumentView {
  readonly #options: MasterOptions<U>
  readonly #tree: DocumentTree
  readonly #clients = new Map<string, ClientRecord>()
  readonly #staged: Undo[] = []
  // The latest entries without a gap, up to `#commandCount`.
  #log: LogEntry[] = []
  readonly #logBytes = new WeakMap<LogEntry, number>()
  #historyBytes = 0
  #commandCount: number
  // Of the oldest count that `#log` reaches back to, and of the newest.
  #floorHash: string
  #hash: string

  /** Start from `snapshot`, which is copied. Throws OPTIONS_INVALID if it is none. */
  constructor(snapshot: Snapshot, options: MasterOptions<U>) {
    const checked = checkSnapshot(snapshot)
    if (!checked) {
      throw new FlushoutError(
        'OPTIONS_INVALID',
        'A master starts from { commandCount, hash, document } with a JSON object as document.',
      )
    }
    this.#options = options
    this.#tree = new DocumentTree(checked.document, { measured: true })
    this.#commandCount = snapshot.commandCount
    this.#hash = snapshot.hash
    this.#floorHash = snapshot.hash
  }

  /** How many commands built the document, the staged ones included. */
  get commandCount(): number {
    return this.#commandCount
  }

  /** The history hash at `commandCount`. */
  get hash(): string {
    return this.#hash
  }

  /** The oldest count from which updates can be given without loading history. */
  get floor(): number {
    return this.#log[0]?.from ?? this.#commandCount
  }

  /** About how many characters of JSON the document takes. */
  get documentBytes(): number {
    return this.#tree.bytes
  }

  /** About how many characters of JSON the history in memory takes. */
  get historyBytes(): number {
    return this.#historyBytes
  }

  read(path?: Path): JsonValue | undefined {
    return this.#tree.read(path)
  }

  keys(path?: Path): readonly string[] {
    return this.#tree.keys(path)
  }

  size(path?: Path): number {
    return this.#tree.size(path)
  }

  /** Document and count as they are now, staged flushes included. */
  snapshot(): Snapshot {
    return {
      commandCount: this.#commandCount,
      hash: this.#hash,
      document: this.#tree.read() as JsonObject,
    }
  }

  /** The last flush of a client, as far as this master was told or saw it. */
  client(clientId: string): ClientRecord | undefined {
    return this.#clients.get(clientId)
  }

  /** Tell the master about a client that it has not seen since it was started. */
  rememberClient(record: ClientRecord): void {
    const known = this.#clients.get(record.clientId)
    if (!known || known.sequence < record.sequence) this.#clients.set(record.clientId, record)
  }

  /** Forget a client, to bound memory. Its next flush needs `rememberClient` first. */
  forgetClient(clientId: string): void {
    this.#clients.delete(clientId)
  }

  /** Apply a flush at once, without storing it anywhere. */
  apply(flush: Flush, context: FlushContext<U>): FlushAnswer {
    const { answer } = this.stage(flush, context)
    this.commit()
    return answer
  }

  /**
   * Apply a flush in memory and say what came of it. Refused as a whole, with
   * nothing changed, by throwing a `FlushoutError`: FORBIDDEN, SEQUENCE_REUSED,
   * SEQUENCE_PAST, SEQUENCE_GAP, CLIENT_EXPIRED or HISTORY_CHANGED. A master
   * that may be behind its store must be brought up to date before such a
   * refusal is believed.
   */
  stage(flush: Flush, context: FlushContext<U>): Staged {
    const userId = context.user?.id ?? null
    const client = this.#clients.get(flush.clientId)
    if (client && client.userId !== userId) {
      throw new FlushoutError('FORBIDDEN', 'This client id belongs to another user.')
    }
    if (flush.commands.length === 0) {
      this.#checkHistory(flush)
      const answer = this.#answer(flush, 'applied', { verdicts: [], remaps: [] })
      return { answer, entry: undefined, client: undefined }
    }
    const digest = this.#options.digest(JSON.stringify(flush.commands))
    // First of all: a client that lost our answer sends the same flush again,
    // and must get that answer instead of a second effect.
    if (client?.sequence === flush.sequence && client.digest === digest) {
      return {
        answer: this.#answer(flush, 'repeated', client.answer),
        entry: undefined,
        client: undefined,
      }
    }
    // Before the sequence: after a restore both are wrong, and only a changed
    // history tells the client that its edits are to be sent anew.
    this.#checkHistory(flush)
    this.#checkSequence(flush, client)
    return this.#stageNew(flush, context, digest)
  }

  /** Make everything staged so far part of the past. */
  commit(): void {
    this.#staged.length = 0
    this.#trimLog()
  }

  /** Take everything back that was staged since the last commit. */
  rollback(): void {
    for (let undo = this.#staged.pop(); undo; undo = this.#staged.pop()) {
      this.#tree.undo(undo.changes)
      this.#commandCount = undo.commandCount
      this.#hash = undo.hash
      if (undo.entry) {
        this.#log.pop()
        this.#historyBytes -= this.#logBytes.get(undo.entry)!
      }
      if (undo.client) this.#clients.set(undo.clientId, undo.client)
      else this.#clients.delete(undo.clientId)
    }
  }

  /**
   * Follow what another writer put into the store. Entries that are known
   * already are skipped; a gap or an entry that does not apply throws
   * HISTORY_CHANGED, after which this master is of no use any more.
   */
  advance(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      if (endOf(entry) <= this.#commandCount) continue
      if (entry.from !== this.#commandCount) {
        throw new FlushoutError(
          'HISTORY_CHANGED',
          `The history continues at ${entry.from}, but this master is at ${this.#commandCount}.`,
        )
      }
      // Entries come from a store, so they are neither frozen nor trusted.
      const commands = entry.commands.map((command) => this.#replay(command))
      this.#append({ ...entry, commands })
    }
    this.#trimLog()
  }

  /** Reach further back with updates: `entries` end where the history in memory begins. */
  prependHistory(entries: readonly LogEntry[], floorHash: string): void {
    const last = entries.at(-1)
    if (!last || endOf(last) !== this.floor) return
    for (const entry of entries) this.#measure(entry)
    this.#log = [...entries, ...this.#log]
    this.#floorHash = floorHash
  }

  /** Answer a client that only asks for news. Throws HISTORY_CHANGED as `stage` does. */
  pull(from: number, hash: string): PullAnswer {
    this.#checkHistory({ from, hash })
    return {
      commandCount: this.#commandCount,
      hash: this.#hash,
      sync: this.#sync({ from, hash }, undefined),
    }
  }

  #replay(command: CheckedCommand): CheckedCommand {
    const checked = checkCommand(command, this.#options.createId)
    const rejection = checked.ok ? this.#tree.apply(checked.command, []) : checked.rejection
    if (rejection) throw new FlushoutError('HISTORY_CHANGED', rejection.message)
    return checked.ok ? checked.command : command
  }

  #checkSequence({ sequence }: Flush, client: ClientRecord | undefined): void {
    const last = client?.sequence ?? 0
    if (sequence === last + 1) return
    if (sequence === last) {
      throw new FlushoutError('SEQUENCE_REUSED', `Flush ${sequence} was another flush before.`)
    }
    if (sequence < last) {
      throw new FlushoutError('SEQUENCE_PAST', `Flush ${sequence} is older than ${last}.`)
    }
    throw client
      ? new FlushoutError('SEQUENCE_GAP', `Flush ${last + 1} is missing before ${sequence}.`)
      : new FlushoutError('CLIENT_EXPIRED', `Nothing is known of the flushes before ${sequence}.`)
  }

  #checkHistory({ from, hash }: Pick<Flush, 'from' | 'hash'>): void {
    if (hash === '') return
    const ours = from > this.#commandCount ? undefined : this.#hashAt(from)
    if (from > this.#commandCount || (ours !== undefined && ours !== hash)) {
      throw new FlushoutError(
        'HISTORY_CHANGED',
        `The client holds a history of ${from} commands that is not this model's.`,
      )
    }
  }

  /** The hash at `count`; undefined where the history in memory does not tell. */
  #hashAt(count: number): string | undefined {
    if (count === this.#commandCount) return this.#hash
    if (count === this.floor) return this.#floorHash
    const index = this.#indexOf(count)
    return index === undefined ? undefined : this.#log[index - 1]!.hash
  }

  /** The index of the entry that starts at `count`. */
  #indexOf(count: number): number | undefined {
    let low = 0
    let high = this.#log.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const { from } = this.#log[middle]!
      if (from === count) return middle
      if (from < count) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  #stageNew(flush: Flush, context: FlushContext<U>, digest: string): Staged {
    const before = { commandCount: this.#commandCount, hash: this.#hash }
    const changes: Change[] = []
    const userId = context.user?.id ?? null
    const { commands, verdicts, remaps } = this.#applyAllOrNothing(flush, context, changes)
    let entry: LogEntry | undefined
    if (commands.length > 0) {
      const { clientId, sequence } = flush
      const hash = this.#options.digest(
        before.hash + JSON.stringify([clientId, sequence, userId, context.now, commands]),
      )
      entry = {
        from: before.commandCount,
        hash,
        clientId,
        sequence,
        userId,
        at: context.now,
        commands,
      }
      this.#append(entry)
    }
    const client: ClientRecord = {
      clientId: flush.clientId,
      userId,
      sequence: flush.sequence,
      digest,
      answer: { verdicts, remaps },
    }
    const previous = this.#clients.get(flush.clientId)
    this.#clients.set(flush.clientId, client)
    this.#staged.push({ ...before, changes, entry, clientId: flush.clientId, client: previous })
    return { answer: this.#answer(flush, 'applied', client.answer), entry, client }
  }

  #applyAllOrNothing(flush: Flush, context: FlushContext<U>, changes: Change[]) {
    try {
      return this.#applyAll(flush, context, changes)
    } catch (error) {
      // What was passed in threw: `onInterceptorError` or `createId`.
      this.#tree.undo(changes)
      throw error
    }
  }

  #applyAll(flush: Flush, { user, now, seed }: FlushContext<U>, changes: Change[]) {
    const context: InterceptorContext<U> = { side: 'master', user, now, random: createRandom(seed) }
    const commands: CheckedCommand[] = []
    const verdicts: Verdict[] = []
    const remaps: Remap[] = []
    // Creates that were refused: what the client did below them goes with them.
    const refused: Path[] = []
    flush.commands.forEach((sent, index) => {
      const checked = checkCommand(sent, this.#options.createId)
      if (!checked.ok) {
        verdicts.push({ index, kind: 'rejected', rejection: checked.rejection })
        return
      }
      const orphan = refused.find((path) => startsWith(checked.command.path, path))
      if (orphan) {
        const message = 'The node that this command needs was refused.'
        const rejection = { code: 'PARENT_REJECTED', message, at: orphan }
        verdicts.push({ index, kind: 'dropped', rejection })
        return
      }
      const result = this.#applyOne(remapCommand(checked.command, remaps), context, changes)
      if (!result.ok) {
        verdicts.push({ index, kind: result.kind, rejection: result.rejection })
        if (checked.command.action === 'create') {
          refused.push([...checked.command.path, checked.command.id])
        }
        return
      }
      const { command } = result
      commands.push(command)
      if (command === checked.command) return
      verdicts.push({ index, kind: 'amended', command })
      if (command.action === 'create' && checked.command.action === 'create') {
        if (command.id === checked.command.id) return
        remaps.push({
          from: Object.freeze([...command.path, checked.command.id]),
          to: Object.freeze([...command.path, command.id]),
        })
      }
    })
    return { commands, verdicts, remaps }
  }

  #applyOne(
    command: CheckedCommand,
    context: InterceptorContext<U>,
    changes: Change[],
  ):
    | { ok: true; command: CheckedCommand }
    | { ok: false; kind: 'rejected' | 'dropped'; rejection: Rejection } {
    const { interceptors = [], onInterceptorError = () => {} } = this.#options
    const free = withFreeId(this.#tree, command, this.#options.createId)
    const result = intercept(interceptors, this.#tree, free, context, onInterceptorError)
    if (!result.ok) return { ...result, kind: 'rejected' }
    const tooLarge = this.#checkSize(result.command)
    if (tooLarge) return { ok: false, kind: 'rejected', rejection: tooLarge }
    const rejection = this.#tree.apply(result.command, changes)
    if (!rejection) return result
    // The form was right, so the document is not what the client saw.
    return { ok: false, kind: 'dropped', rejection }
  }

  #checkSize(command: CheckedCommand): Rejection | undefined {
    if (command.action === 'delete') return undefined
    const limit = this.#options.maxDocumentBytes ?? DEFAULT_DOCUMENT_BYTES
    // An update may replace as much as it brings, but that is not worth a look
    // at the document: who is this near to the limit must delete first.
    const size = this.#tree.bytes + measureJson(command as unknown as JsonValue)
    if (size <= limit) return undefined
    return {
      code: 'DOCUMENT_TOO_LARGE',
      message: `The document would take ${size} characters; ${limit} are allowed.`,
      at: command.path,
    }
  }

  #append(entry: LogEntry): void {
    this.#measure(entry)
    this.#log.push(entry)
    this.#commandCount = endOf(entry)
    this.#hash = entry.hash
  }

  #measure(entry: LogEntry): void {
    const bytes = measureJson(entry.commands as unknown as JsonValue) + 120
    this.#logBytes.set(entry, bytes)
    this.#historyBytes += bytes
  }

  #trimLog(): void {
    const limit = this.#options.maxHistoryBytes ?? DEFAULT_HISTORY_BYTES
    if (this.#historyBytes <= limit) return
    // Down to three quarters at once, so that it is not done for every flush.
    let count = 0
    while (count < this.#log.length && this.#historyBytes > limit * 0.75) {
      this.#historyBytes -= this.#logBytes.get(this.#log[count]!)!
      this.#floorHash = this.#log[count]!.hash
      count += 1
    }
    this.#log.splice(0, count)
  }

  #answer(
    flush: Flush,
    outcome: FlushAnswer['outcome'],
    { verdicts, remaps }: ClientRecord['answer'],
  ): FlushAnswer {
    return {
      sequence: flush.sequence,
      outcome,
      commandCount: this.#commandCount,
      hash: this.#hash,
      verdicts,
      remaps,
      sync: this.#sync(flush, flush),
    }
  }

  /** What a client at `from` lacks. `own` is the flush whose author needs no commands of it. */
  #sync({ from, hash }: Pick<Flush, 'from' | 'hash'>, own: Flush | undefined): Sync {
    if (hash !== '' && from === this.#commandCount) return { kind: 'none' }
    const start = hash === '' ? undefined : this.#indexOf(from)
    if (start === undefined) return { kind: 'snapshot', snapshot: this.snapshot() }
    const isOwn = (entry: LogEntry) =>
      entry.clientId === own?.clientId && entry.sequence === own.sequence
    const entries = this.#log.slice(start)
    if (entries.every(isOwn)) return { kind: 'none' }
    const bytes = entries.reduce((sum, entry) => sum + this.#logBytes.get(entry)!, 0)
    if (bytes > this.#tree.bytes) return { kind: 'snapshot', snapshot: this.snapshot() }
    return { kind: 'updates', updates: entries.map((entry) => toAppliedFlush(entry, isOwn(entry))) }
  }
}
