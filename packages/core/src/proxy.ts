// The local copy of one model. Every command is in exactly one of these places,
// and moves to the right only:
//
//   given ──► queued ──► in flight ──► confirmed
//     │          │           └──────► rejected, dropped   (the master's verdict)
//     │          └──────────────────► rejected, dropped   (on a rebase)
//     └► refused on the spot
//
// What is in flight is frozen, because the master may have applied it: whatever
// happens, the same flush is sent until it is answered.
import { checkSnapshot } from './answer.ts'
import { Audience } from './audience.ts'
import { Batches } from './batches.ts'
import { changedPaths, reachOf } from './changed-paths.ts'
import { checkGiven } from './check.ts'
import { checkMemory } from './check-memory.ts'
import type { GivenCommand } from './command.ts'
import { Commander, type ApplyOptions } from './commander.ts'
import { ConfirmedLog, type ConfirmedReader, type LogRecord } from './confirmed-log.ts'
import { FlushoutError } from './errors.ts'
import { Exchange, type Refusal } from './exchange.ts'
import { endOfUnit, type BatchOptions } from './group.ts'
import type { DocumentView, User } from './interceptor.ts'
import type { JsonObject } from './json.ts'
import type { ProxyMemory } from './memory.ts'
import type { UpdateListener } from './news.ts'
import type { PendingSession } from './others.ts'
import { Outbox } from './outbox.ts'
import { ROOT, type Path } from './path.ts'
import type { Flush, Snapshot } from './protocol.ts'
import type { Loss } from './loss.ts'
import type { ProxyOptions } from './proxy-options.ts'
import { rulesOfProxy } from './proxy-rules.ts'
import { StatusBoard, type EndResult, type LostCommand, type ProxyStatus } from './proxy-status.ts'
import { PendingCommand, refusedReceipt, type Receipt, type SettledCommand } from './receipt.ts'
import { withFreeId } from './remap.ts'
import { Replica, type Rebase } from './replica.ts'
import type { CommandTracker, TrackedCommand } from './tracker.ts'
import type { At } from './typed.ts'
import { FIRST_VERSION, translator } from './versions.ts'

const MAX_COMMANDS = 500
const MAX_BYTES = 250_000
const NO_OPTIONS: ApplyOptions = Object.freeze({})

/** A local copy of a model that changes at once and tells the master later. */
export class CommandProxy<Doc extends object = JsonObject, U extends User = User>
  extends Commander<Doc>
  implements DocumentView
{
  readonly #options: ProxyOptions<U>
  readonly #replica: Replica<U>
  readonly #outbox: Outbox
  readonly #confirmed: ConfirmedReader | undefined
  readonly #board: StatusBoard
  readonly #audience: Audience
  readonly #exchange: Exchange<U>
  // Of the commands that are given here.
  readonly #schema: number
  readonly #batches: Batches<U>

  /** Start from `snapshot`, which is copied. Throws OPTIONS_INVALID if it is none. */
  constructor(snapshot: Snapshot<Doc>, options: ProxyOptions<U>) {
    super()
    const checked = checkSnapshot(snapshot)
    if (!checked) {
      throw new FlushoutError(
        'OPTIONS_INVALID',
        'A proxy starts from { commandCount, hash, document } with a JSON object as document.',
      )
    }
    const { createId, interceptors = [], resolve } = options
    const memory = options.memory === undefined ? undefined : checkMemory(options.memory)
    this.#options = options
    const { maxFlushCommands: maxCommands = MAX_COMMANDS } = options
    const { maxFlushBytes: maxBytes = MAX_BYTES } = options
    const { version = FIRST_VERSION } = options.versions ?? {}
    const { schema = version } = memory ?? {}
    // Who was told to go on with it here would give commands that nobody understands.
    if (schema > version) {
      throw new FlushoutError(
        'OPTIONS_INVALID',
        `The memory is of version ${schema}, not ${version}.`,
      )
    }
    this.#schema = schema
    this.#outbox = new Outbox({
      createId,
      memory,
      maxCommands,
      maxBytes,
      schema,
      readerSchema: version,
    })
    const { clientId } = this.#outbox
    this.#replica = new Replica(checked, {
      createId,
      createRules: ({ serial }) => rulesOfProxy(options, clientId, serial),
      isRuled: interceptors.length > 0 || resolve !== undefined,
      resolver: resolve,
      translate: translator(options.versions, schema),
      clientId: () => this.#outbox.clientId,
      onLost: (pending, loss) => this.#exchange.lose(pending, loss),
    })
    this.#confirmed = options.keepsConfirmed ? this.collectConfirmed() : undefined
    this.#board = new StatusBoard(this.#replica)
    this.#audience = new Audience(this.#board)
    this.#batches = new Batches({
      queue: this.#replica.queue,
      maxCommands,
      maxBytes,
      position: () => this.confirmed,
      publish: (paths) => this.#audience.publish(paths),
    })
    this.#exchange = new Exchange({
      replica: this.#replica,
      outbox: this.#outbox,
      board: this.#board,
      audience: this.#audience,
      now: options.now,
      version,
    })
    for (const pending of memory?.pending ?? []) this.#listenTo(pending)
    const isTrusted = this.#replica.restore(memory, options, clientId)
    if (!isTrusted) this.#outbox.distrust()
    for (const { pending, rejection } of memory?.lost ?? []) {
      this.#listenTo(pending)
      this.#exchange.lose(pending, { kind: 'rejected', rejection })
    }
  }

  /**
   * What must outlive the page, as it is now; see `ProxyMemory`. Frozen in all parts,
   * which stay the same objects while nothing is new about them.
   */
  get memory(): ProxyMemory {
    const { clientId, sequence, flush } = this.#outbox
    const { queue, hash } = this.#replica
    const { serial, hasLanded } = queue
    return Object.freeze({
      clientId,
      sequence,
      serial,
      ...(flush && flush.commands.length > 0 && { flight: flush }),
      ...(hasLanded && { hasLanded }),
      ...(hash === '' && { isDistrusted: true }),
      ...(this.#schema > FIRST_VERSION && { schema: this.#schema }),
      pending: Object.freeze(queue.commands.map(({ memory }) => memory)),
    })
  }

  /** What is pending here, for `showOthers` of other sessions. Cost: O(pending). */
  get pending(): PendingSession {
    const { clientId, flush } = this.#outbox
    const { commands, inFlight } = this.#replica.queue
    return {
      clientId,
      commands: commands.map(({ serial, group, shown: command, followUps, waits }, index) => ({
        serial,
        ...(group?.atomic && { unit: group.id }),
        ...(index < inFlight && flush && { sequence: flush.sequence }),
        command,
        ...(followUps.length > 0 && { followUps }),
        ...(waits && { wait: true }),
      })),
    }
  }

  /**
   * Whether nothing that is queued can be sent yet, since the first of it, or what takes
   * effect together with that, builds on what another session has pending. Cost: O(pending
   * of others).
   */
  get isHeldUp(): boolean {
    const { queue, others } = this.#replica
    const { commands, inFlight } = queue
    if (commands.length === 0 || inFlight > 0) return false
    return commands.slice(0, endOfUnit(commands, 0)).some((one) => others.precede(one))
  }

  /** The document as the master vouched for it, without pending commands. Cost: O(document + pending). */
  confirmedSnapshot(): Snapshot {
    const { confirmed, hash, schema } = this.#replica
    return {
      commandCount: confirmed,
      hash,
      document: this.#replica.confirmedDocument(),
      ...(schema > FIRST_VERSION && { schema }),
    }
  }

  /** What the reader of the option `keepsConfirmed` takes; see there. */
  takeConfirmed(): readonly LogRecord[] | Snapshot | undefined {
    return this.#confirmed?.take()
  }

  /** Collect what is confirmed from now on. */
  collectConfirmed(): ConfirmedReader {
    const log = new ConfirmedLog()
    this.#replica.logs.add(log)
    return {
      take: () => {
        const taken = log.take()
        return taken === 'replaced' ? this.confirmedSnapshot() : taken
      },
      stop: () => void this.#replica.logs.delete(log),
    }
  }

  /** How many commands built the document as it shows here. */
  get commandCount(): number {
    return this.#replica.commandCount
  }

  /** The count and history hash up to which the master vouched. */
  get confirmed(): { readonly from: number; readonly hash: string } {
    return { from: this.#replica.confirmed, hash: this.#replica.hash }
  }

  /** Under what id the flushes of this proxy are sent. */
  get clientId(): string {
    return this.#outbox.clientId
  }

  /** Where the commands are. The same object until one of its fields changes. */
  get status(): ProxyStatus {
    return this.#board.status
  }

  /** Commands that showed here and were lost since, oldest first, until dismissed. */
  get rejections(): readonly LostCommand[] {
    return this.#board.rejections
  }

  /** Take an entry off `rejections`. */
  dismiss(lost: LostCommand): void {
    this.#board.dismiss(lost)
    this.#audience.publish([])
  }

  /**
   * The value at `path`, frozen, the same object while its content is the same;
   * undefined where there is none. An item costs O(depth), a wide node one copy
   * of its keys after each notification.
   */
  read(): Doc
  read<const P extends Path>(path: P): At<Doc, P> | undefined
  read(path: Path = ROOT): unknown {
    return this.#replica.tree.read(path)
  }

  /**
   * The keys of the node at `path`, frozen; a new list only when one was added,
   * removed or renamed. Empty where there is no node.
   */
  keys(path: Path = ROOT): readonly string[] {
    return this.#replica.tree.keys(path)
  }

  size(path: Path = ROOT): number {
    return this.#replica.tree.size(path)
  }

  override apply(
    command: GivenCommand,
    { wait = false, label = this.#labelOf(command) }: ApplyOptions = NO_OPTIONS,
  ): Receipt {
    const { createId, now } = this.#options
    const checked = checkGiven(command, createId)
    if (!checked.ok) {
      this.#tellLater({
        command,
        path: checked.rejection.at ?? ROOT,
        outcome: { kind: 'rejected', rejection: checked.rejection },
      })
      this.#batches.refused()
      return refusedReceipt(checked.rejection)
    }
    const { tree, queue } = this.#replica
    const free = withFreeId(tree, checked.command, createId)
    const group = label === undefined ? this.#batches.group : this.#batches.join({ label })
    const pending = new PendingCommand(free, checked.size, wait, group)
    if (!this.#options.isPersisted) pending.keep(false)
    this.#listenTo(pending)
    const mayMakeParent = checked.command.action === 'create' && checked.command.parentDefault
    const isParentThere = !mayMakeParent || tree.has(checked.command.path)
    const loss = this.#checkSize(pending) ?? queue.push(pending)
    if (loss) {
      this.#batches.refused()
      pending.refuse(loss)
      return pending
    }
    const { paths: batched } = this.#batches
    queue.tracker?.given(pending, batched, now())
    const paths =
      this.#audience.listeners.isEmpty || wait
        ? []
        : [...changedPaths(pending.shown, isParentThere), ...pending.followUps.flatMap(reachOf)]
    if (batched) batched.push(...paths)
    else this.#audience.publish(paths)
    return pending
  }

  /**
   * Run several commands and notify once, after all of them. If `run` throws,
   * its commands are taken back, and what it threw is thrown on. With a `label` the
   * history tells what they were given for; with `atomic` they take effect all or none,
   * and with `reads` only if what was read there allows it.
   */
  batch<T>(run: () => T, options: BatchOptions = NO_OPTIONS): T {
    return this.#batches.run(run, options)
  }

  /**
   * Call `listener` after every change at, above or below `path`; without a path
   * after any. Returns the function that ends it.
   */
  subscribe = (listener: () => void, path: Path = ROOT): (() => void) =>
    this.#audience.listeners.add(path, listener)

  /** Call `listener` whenever `status` or `rejections` is another. */
  subscribeStatus = (listener: () => void): (() => void) => this.#board.subscribe(listener)

  /**
   * Call `listener` once for each flush of somebody else, as soon as it is
   * confirmed here and all that it changed can be read; for a snapshot once,
   * whatever was done to get there.
   */
  subscribeUpdates = (listener: UpdateListener): (() => void) => this.#audience.news.add(listener)

  /**
   * Let `tracker` hear of what is given here from now on, to take it back; only one can.
   * Gives what is pending already.
   */
  track(tracker: CommandTracker): readonly TrackedCommand[] {
    const { queue } = this.#replica
    queue.tracker = tracker
    return [...queue.commands]
  }

  /**
   * Let `listener` hear of each rebase from now on, for tools; only one can. It is called
   * in the midst of it, so it may not touch the proxy.
   */
  watchRebases(listener: (rebase: Rebase) => void): void {
    this.#replica.onRebase = listener
  }

  /**
   * The flush to send now, frozen; undefined when there is nothing to send. An
   * earlier one that was cancelled comes again, unchanged. With `pull`, an empty
   * flush that asks for news when nothing is queued. Throws FLUSH_IN_PROGRESS.
   */
  beginFlush({ pull = false }: { pull?: boolean } = {}): Flush | undefined {
    return this.#exchange.begin(pull)
  }

  /**
   * Take the master's answer to the flush in flight, late ones included. Never
   * throws, whatever `answer` is, and never loses a command: what cannot be used
   * leads to the same flush again, and a snapshot.
   */
  endFlush(answer: unknown): EndResult {
    return this.#exchange.end(answer)
  }

  /** Say that no answer came. The same flush, unchanged, is what `beginFlush` gives next. */
  cancelFlush(): void {
    this.#outbox.cancel()
  }

  /**
   * Say that the master refused the flush as a whole. What can pass later stays
   * as it is; a master with another past gets the same flush once more, which
   * then claims none. What can never be accepted is told as rejected; where the
   * message itself is at fault, it is sent in halves until the command is found
   * that makes it so. If another has taken our client id, we go on under a new one.
   */
  failFlush(error: Refusal): void {
    this.#exchange.fail(error)
  }

  /**
   * Take news that came without a flush. `gap`: they begin after what is known
   * here, or on another past, so a pull is needed. `ignored`: nothing in them is
   * new, or they cannot be used. `base` is the history hash where updates begin;
   * needed unless whoever sent them has compared the pasts. With `others`, these are what
   * other sessions have pending then, in the same step; see `showOthers`.
   */
  receive(
    answer: unknown,
    base?: string,
    others?: readonly PendingSession[],
  ): 'applied' | 'gap' | 'ignored' {
    return this.#exchange.receive(answer, base, others)
  }

  /**
   * Show what other sessions have given and nobody confirmed yet, until the next call.
   * All is on top of the confirmed document in the order of the serials, own commands
   * included; what is given from now on comes last. What does not apply does not show. Each goes
   * in the very step in which the flush that it is in is confirmed, so nothing shows
   * twice; only after a snapshot nobody knows which flushes are in it. They are never
   * sent, and not in `memory` or `status`; but what was given here later and builds on
   * one of them is not sent before that is gone, or its session is silent.
   */
  showOthers(others: readonly PendingSession[]): void {
    if (others.length === 0 && this.#replica.others.isEmpty) return
    this.#audience.publish(this.#replica.showOthers(others, this.clientId))
  }

  /**
   * Say that the commands up to the one with this serial are on disk, or, with false,
   * that they will not be. Their `durable` resolves with it.
   */
  persisted(serial: number, isDurable = true): void {
    const { commands } = this.#replica.queue
    for (let index = commands.length - 1; index >= 0; index -= 1) {
      const pending = commands[index]!
      if (pending.serial > serial) continue
      // Those before it were told of earlier.
      if (pending.isDurable !== undefined) return
      pending.keep(isDurable)
    }
  }

  /**
   * Take the queued commands with these serials back before they are sent, and those that
   * build on them; what is in flight stays. They end as dropped, with the code WITHDRAWN,
   * and are no entries of `rejections`. Gives them, in order.
   */
  withdraw(serials: Iterable<number>): readonly GivenCommand[] {
    return this.#exchange.withdraw(new Set(serials))
  }

  /**
   * Take everything queued out, and let `give` give it elsewhere. What becomes of a
   * command there is what its receipt here tells. Gives the receipts of `give`.
   */
  handOver(give: (command: GivenCommand, options: ApplyOptions) => Receipt): readonly Receipt[] {
    const taken: PendingCommand[] = []
    const { queue } = this.#replica
    const paths = this.#replica.rebase(() => {
      taken.push(...queue.commands.splice(queue.inFlight))
      return true
    })
    const receipts = taken.map((pending) => {
      const { given, waits: wait, group } = pending
      const receipt = give(given, {
        wait,
        ...(group?.label !== undefined && { label: group.label }),
      })
      void receipt.durable.then((isDurable) => pending.keep(isDurable))
      void receipt.verdict.then((outcome) => pending.settle(outcome))
      return receipt
    })
    const { paths: batched } = this.#batches
    if (batched) batched.push(...(paths ?? []))
    else this.#audience.publish(paths ?? [])
    return receipts
  }

  #labelOf(command: GivenCommand): string | undefined {
    const { commands = {} } = this.#options
    const name = command?.action === 'run' ? command.name : undefined
    return name !== undefined && Object.hasOwn(commands, name) ? commands[name]!.label : undefined
  }

  #listenTo(pending: PendingCommand): void {
    if (this.#options.onVerdict) pending.onSettled = (settled) => this.#tellLater(settled)
  }

  #tellLater(settled: SettledCommand): void {
    // Whoever hears of it may read the document and change it, which may be under way now.
    void Promise.resolve().then(() => this.#options.onVerdict?.(settled))
  }

  #checkSize({ given, size }: PendingCommand): Loss | undefined {
    const { maxFlushBytes = MAX_BYTES } = this.#options
    if (size <= maxFlushBytes) return undefined
    const message = `The command takes ${size} characters; ${maxFlushBytes} are allowed.`
    return { kind: 'rejected', rejection: { code: 'COMMAND_TOO_LARGE', message, at: given.path } }
  }
}
