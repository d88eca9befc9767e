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
import { checkSequence, checkVersion } from './admission.ts'
import { adoptSnapshot } from './adopt.ts'
import { checkSnapshot } from './answer.ts'
import type { FlushContext } from './apply-command.ts'
import { applyFlush } from './apply-flush.ts'
import { checkCommand, type CheckedCommand } from './check.ts'
import type { Change } from './document.ts'
import { FlushoutError } from './errors.ts'
import {
  chainHash,
  endOf,
  schemaOf,
  toAppliedFlush,
  type ClientRecord,
  type LogEntry,
} from './history.ts'
import { checkGroups } from './group.ts'
import type { DocumentView, Interceptor, User } from './interceptor.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { MeasuredTree } from './measured-tree.ts'
import type { NamedCommands } from './named.ts'
import type { Path } from './path.ts'
import type {
  Flush,
  FlushAnswer,
  GroupReads,
  Position,
  PullAnswer,
  Snapshot,
  Sync,
} from './protocol.ts'
import type { Past } from './read-check.ts'
import { RecentHistory } from './recent-history.ts'
import { changesTo } from './migration.ts'
import type { Resolver } from './resolve.ts'
import { FIRST_VERSION, translator, type ModelVersions } from './versions.ts'

export interface MasterOptions<U extends User = User> {
  /** Gives the id of a node that has none or whose id is taken. */
  readonly createId: () => string
  /** A hash of `text`, the same everywhere, that nobody can aim at. */
  readonly digest: (text: string) => string
  readonly interceptors?: readonly Interceptor<U>[]
  /** What can be run by its name. */
  readonly commands?: NamedCommands
  /** What to do with updates that found something else than they expect; else they are conflicts. */
  readonly resolve?: Resolver<U>
  /** Of its kind of models. Without them there is one version, and no other was before. */
  readonly versions?: ModelVersions | undefined
  /**
   * The snapshot was parsed from JSON for this master alone, which freezes its document
   * where it is instead of copying it. Default false.
   */
  readonly isOwned?: boolean
  /** Characters of JSON that the document may take. Default 1,048,576. */
  readonly maxDocumentBytes?: number
  /**
   * Characters of JSON of the latest history that is kept in memory, to answer
   * with updates instead of a snapshot. 0 keeps none. Default 262,144.
   */
  readonly maxHistoryBytes?: number
  /**
   * The history hash at a count from before the history in memory: '' where no
   * flush ends, undefined where nobody knows. A client from there is then
   * believed to share the past.
   */
  readonly hashAt?: (count: number) => string | undefined
  /** Hears what an interceptor threw; the client is told only that it did. */
  readonly onInterceptorError?: (error: unknown) => void
}

/** A flush that was applied in memory and waits for `commit`. */
export interface Staged {
  readonly answer: FlushAnswer
  /** What to store with it; undefined when nothing was applied. */
  readonly entry: LogEntry | undefined
  /**
   * What to store with it; undefined for an empty flush. For a repeated one what
   * is stored already: to store it again is to find that it is there, and lasts.
   */
  readonly client: ClientRecord | undefined
}

interface Undo {
  readonly changes: Change[]
  readonly entry: LogEntry | undefined
  readonly clientId: string
  readonly client: ClientRecord | undefined
  readonly schema: number
}

const DEFAULT_HISTORY_BYTES = 256 * 1024

/** Applies the flushes of all clients to one model, in one order. */
export class Master<U extends User = User> implements DocumentView {
  readonly #options: MasterOptions<U>
  readonly #tree: MeasuredTree
  readonly #clients = new Map<string, ClientRecord>()
  readonly #staged: Undo[] = []
  readonly #history: RecentHistory
  // Who comes up to here in the order of ids and is not known may have been known once.
  #lastExpired = ''
  // Of the document, the staged flushes included.
  #schema: number

  /** Start from `snapshot`, which is copied unless it `isOwned`. Throws OPTIONS_INVALID if it is none. */
  constructor(snapshot: Snapshot, options: MasterOptions<U>) {
    const adopted = options.isOwned ? adoptSnapshot(snapshot) : undefined
    const checked = options.isOwned ? adopted?.snapshot : checkSnapshot(snapshot)
    if (!checked) {
      throw new FlushoutError(
        'OPTIONS_INVALID',
        'A master starts from { commandCount, hash, document } with a JSON object as document.',
      )
    }
    this.#options = options
    this.#tree = new MeasuredTree(checked.document, adopted?.size)
    this.#history = new RecentHistory(checked.commandCount, checked.hash)
    this.#schema = checked.schema ?? FIRST_VERSION
  }

  /** How many commands built the document, the staged ones included. */
  get commandCount(): number {
    return this.#history.count
  }

  /** The history hash at `commandCount`. */
  get hash(): string {
    return this.#history.hash
  }

  /** The oldest count from which updates can be given without loading history. */
  get floor(): number {
    return this.#history.floor
  }

  /** The history hash at a count; undefined where no flush ends, and before `floor`. */
  hashAt(count: number): string | undefined {
    return this.#history.hashAt(count)
  }

  /** About how many characters of JSON the document takes. */
  get documentBytes(): number {
    return this.#tree.bytes
  }

  /** About how many characters of JSON the history in memory takes. */
  get historyBytes(): number {
    return this.#history.bytes
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

  /** The schema version of the document, staged flushes included. */
  get schema(): number {
    return this.#schema
  }

  /** Document and count as they are now, staged flushes included. */
  snapshot(): Snapshot {
    return {
      commandCount: this.commandCount,
      hash: this.hash,
      document: this.#tree.read() as JsonObject,
      ...(this.#schema !== FIRST_VERSION && { schema: this.#schema }),
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

  /**
   * Clients whose ids come before this one, or are it, may have been here and be known
   * no more. Ids that do not say when they were made are not among them.
   */
  forgetClientsUpTo(clientId: string): void {
    if (clientId > this.#lastExpired) this.#lastExpired = clientId
  }

  /** Apply a flush at once, without storing it anywhere. */
  apply(flush: Flush, context: FlushContext<U>): FlushAnswer {
    const { answer } = this.stage(flush, context)
    this.commit()
    return answer
  }

  /**
   * Apply a flush in memory and say what came of it. Refused as a whole, with
   * nothing changed, by throwing a `FlushoutError`: FLUSH_INVALID, FORBIDDEN, SEQUENCE_REUSED,
   * SEQUENCE_PAST, SEQUENCE_GAP, CLIENT_EXPIRED or HISTORY_CHANGED. A master
   * that may be behind its store must be brought up to date before such a
   * refusal is believed.
   */
  stage(flush: Flush, context: FlushContext<U>): Staged {
    checkVersion(flush, this.#options.versions, this.#schema)
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
    checkGroups(flush)
    const digest = this.#options.digest(toText(flush))
    // First of all: after a restore a number may be wrong too, and only a changed
    // history tells the client that its edits are to be sent anew. What a copy of it
    // sent here meanwhile does not make its past ours.
    this.#checkHistory(flush)
    // A client that lost our answer sends the same flush again, and must get that
    // answer instead of a second effect.
    if (client?.sequence === flush.sequence && client.digest === digest) {
      return {
        answer: this.#answer(flush, 'repeated', client.answer),
        entry: undefined,
        client,
      }
    }
    checkSequence(flush, client, this.#lastExpired)
    return this.#stageNew(flush, context, digest)
  }

  /**
   * Bring the document to the version of the rules, as one more entry of the history, to be
   * stored and committed as what flushes do; undefined where it is there already. Throws what
   * the application throws, with nothing changed.
   */
  stageMigration(at: number): Omit<Staged, 'answer'> | undefined {
    const { versions, createId, digest } = this.#options
    if (!versions || this.#schema >= versions.version) return undefined
    const changes: Change[] = []
    const clientId = createId()
    try {
      const commands = changesTo(this.#tree.read() as JsonObject, versions, this.#schema)
      for (const command of commands) {
        const rejection = this.#tree.apply(command, changes)
        if (rejection) throw new Error(`The migrated document: ${rejection.message}`)
      }
      const notes = [{ index: commands.length - 1, schema: versions.version }]
      const own = { clientId, sequence: 1, userId: null, at }
      const entry = this.#append({ ...own, commands, notes }, clientId)
      const answer = { verdicts: [], remaps: [] }
      const client = { ...own, digest: digest(JSON.stringify(commands)), answer }
      this.#keepStaged(changes, entry, client)
      this.#schema = versions.version
      return { entry, client }
    } catch (error) {
      this.#tree.undo(changes)
      throw error
    }
  }

  /** Make everything staged so far part of the past. */
  commit(): void {
    this.#staged.length = 0
    this.#trimHistory()
  }

  /** Take everything back that was staged since the last commit. */
  rollback(): void {
    for (let undo = this.#staged.pop(); undo; undo = this.#staged.pop()) {
      this.#tree.undo(undo.changes)
      this.#schema = undo.schema
      if (undo.entry) this.#history.pop()
      if (undo.client) this.#clients.set(undo.clientId, undo.client)
      else this.#clients.delete(undo.clientId)
    }
  }

  /**
   * Follow what another writer put into the store. Entries that are known
   * already are skipped; a gap or an entry that does not apply throws
   * HISTORY_CHANGED, after which this master is of no use any more. What was
   * known of the clients who wrote them is forgotten.
   */
  advance(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      if (endOf(entry) <= this.commandCount) continue
      if (entry.from !== this.commandCount) {
        throw new FlushoutError(
          'HISTORY_CHANGED',
          `The history continues at ${entry.from}, but this master is at ${this.commandCount}.`,
        )
      }
      // Entries come from a store, so they are neither frozen nor trusted.
      const commands = entry.commands.map((command) => this.#replay(command))
      this.#history.push({ ...entry, commands })
      this.#schema = schemaOf(entry) ?? this.#schema
      // Somebody else answered this client since; an old record of it would let
      // a repeated flush in anew.
      this.#clients.delete(entry.clientId)
    }
    this.#trimHistory()
  }

  /** Reach further back with updates: `entries` end where the history in memory begins. */
  prependHistory(entries: readonly LogEntry[], floorHash: string): void {
    const last = entries.at(-1)
    if (last && endOf(last) === this.floor) this.#history.prepend(entries, floorHash)
  }

  /** Answer a client that only asks for news. Throws HISTORY_CHANGED as `stage` does. */
  pull(from: number, hash: string): PullAnswer {
    this.#checkHistory({ from, hash })
    return {
      commandCount: this.commandCount,
      hash: this.hash,
      sync: this.#sync({ from, hash }, undefined),
    }
  }

  /**
   * The history from `position` to here; undefined where that reaches further back
   * than what is in memory. Throws HISTORY_CHANGED as `stage` does.
   */
  since(position: Position): readonly LogEntry[] | undefined {
    this.#checkHistory(position)
    if (position.hash === '') return undefined
    return position.from === this.commandCount ? [] : this.#history.since(position.from)
  }

  #replay(command: CheckedCommand): CheckedCommand {
    const checked = checkCommand(command, this.#options.createId)
    const rejection = checked.ok ? this.#tree.apply(checked.command, []) : checked.rejection
    if (rejection) throw new FlushoutError('HISTORY_CHANGED', rejection.message)
    return checked.ok ? checked.command : command
  }

  #checkHistory({ from, hash }: Pick<Flush, 'from' | 'hash'>): void {
    if (hash === '') return
    const isForgotten = from < this.floor
    const ours = isForgotten ? this.#options.hashAt?.(from) : this.#history.hashAt(from)
    if (ours === hash || (isForgotten && ours === undefined)) return
    throw new FlushoutError(
      'HISTORY_CHANGED',
      `The client holds a history of ${from} commands that is not this model's.`,
    )
  }

  #stageNew(flush: Flush, context: FlushContext<U>, digest: string): Staged {
    const changes: Change[] = []
    const userId = context.user?.id ?? null
    const { commands, notes, verdicts, remaps } = applyFlush(flush, context, {
      ...this.#options,
      tree: this.#tree,
      changes,
      translate: translator(this.#options.versions, flush.schema, this.#options.onInterceptorError),
      entriesAfter: (count) => this.#history.after(count),
      pastOf: (reads) => this.#pastOf(reads),
    })
    let entry: LogEntry | undefined
    if (commands.length > 0) {
      const { clientId, sequence } = flush
      const { now: at, seed } = context
      entry = this.#append({ clientId, sequence, userId, at, commands, notes }, seed)
    }
    const client: ClientRecord = {
      clientId: flush.clientId,
      userId,
      sequence: flush.sequence,
      at: context.now,
      digest,
      answer: { verdicts, remaps },
    }
    this.#keepStaged(changes, entry, client)
    return { answer: this.#answer(flush, 'applied', client.answer), entry, client }
  }

  #pastOf({ since, hash }: GroupReads): Past | undefined {
    if (hash === '' || this.#history.hashAt(since) !== hash) return undefined
    const { floor, commandCount } = this
    return { from: floor, to: commandCount, entries: this.#history.after(floor) ?? [] }
  }

  #keepStaged(changes: Change[], entry: LogEntry | undefined, client: ClientRecord): void {
    const { clientId } = client
    const previous = this.#clients.get(clientId)
    this.#clients.set(clientId, client)
    this.#staged.push({ changes, entry, clientId, client: previous, schema: this.#schema })
  }

  /** Put an entry with these contents behind the history. */
  #append(
    { notes, ...own }: Omit<LogEntry, 'from' | 'hash' | 'salt' | 'seal'>,
    seed: string,
  ): LogEntry {
    const { digest } = this.#options
    const salt = digest(`salt ${seed}`)
    const contents = notes && notes.length > 0 ? { ...own, salt, notes } : { ...own, salt }
    const hash = chainHash(this.hash, contents, digest)
    const entry = { from: this.commandCount, hash, ...contents }
    this.#history.push(entry)
    return entry
  }

  #trimHistory(): void {
    this.#history.trim(this.#options.maxHistoryBytes ?? DEFAULT_HISTORY_BYTES)
  }

  #answer(
    flush: Flush,
    outcome: FlushAnswer['outcome'],
    { verdicts, remaps }: ClientRecord['answer'],
  ): FlushAnswer {
    return {
      clientId: flush.clientId,
      sequence: flush.sequence,
      outcome,
      commandCount: this.commandCount,
      hash: this.hash,
      verdicts,
      remaps,
      sync: this.#sync(flush, flush),
    }
  }

  /** What a client at `from` lacks. `own` is the flush whose author needs no commands of it. */
  #sync({ from, hash }: Pick<Flush, 'from' | 'hash'>, own: Flush | undefined): Sync {
    if (hash !== '' && from === this.commandCount) return { kind: 'none' }
    const entries = hash === '' ? undefined : this.#history.since(from)
    if (!entries) return { kind: 'snapshot', snapshot: this.snapshot() }
    const isOwn = (entry: LogEntry) =>
      entry.clientId === own?.clientId && entry.sequence === own.sequence
    if (entries.every(isOwn)) return { kind: 'none' }
    if (this.#history.measure(entries) > this.#tree.bytes)
      return { kind: 'snapshot', snapshot: this.snapshot() }
    return { kind: 'updates', updates: entries.map((entry) => toAppliedFlush(entry, isOwn(entry))) }
  }
}

/** What a flush does as text; '' for what JSON cannot carry, of which none will apply. */
function toText({ commands, groups }: Flush): string {
  try {
    return JSON.stringify(groups ? { commands, groups } : commands)
  } catch {
    return ''
  }
}
