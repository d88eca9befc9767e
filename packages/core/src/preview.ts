import { checkPullAnswer, checkSnapshot, type CheckedPull } from './answer.ts'
import { applyRuled } from './apply-ruled.ts'
import { applyRun, isRun } from './apply-run.ts'
import { checkMemory, type CheckedMemory } from './check-memory.ts'
import type { CheckedCommand, CheckedGiven, CheckedRun } from './check.ts'
import type { GivenCommand, Rejection } from './command.ts'
import { DocumentTree, type Change } from './document.ts'
import { findStale, toLoss } from './expects.ts'
import { endOfUnit, groupRejected } from './group.ts'
import type { User } from './interceptor.ts'
import { equalJson, type JsonObject, type JsonValue } from './json.ts'
import type { ProxyMemory } from './memory.ts'
import { Others } from './others.ts'
import { checkParents } from './orphan.ts'
import type { Path } from './path.ts'
import type { Flush, PullAnswer, Remap, Snapshot } from './protocol.ts'
import type { Loss } from './loss.ts'
import type { ProxyOptions } from './proxy-options.ts'
import { rulesOfProxy } from './proxy-rules.ts'
import { nodeOf, remapCommand, withFreeId } from './remap.ts'
import { meet } from './resolve.ts'
import { translator } from './versions.ts'

/** A place that somebody else changed too, to something else. */
export interface Conflict {
  /** Down to the prop, or to the node that would be deleted. */
  readonly path: Path
  /** What both started from; undefined where there was nothing. */
  readonly before: JsonValue | undefined
  /** What the command sets; undefined where it removes. */
  readonly mine: JsonValue | undefined
  /** What the master has now; undefined where it has nothing any more. */
  readonly theirs: JsonValue | undefined
}

/** What would become of one pending command. */
export interface PreviewedCommand {
  /** As in `ProxyMemory`. */
  readonly serial: number
  /** It is in flight: the master may have applied it, so it cannot be taken back. */
  readonly isSent: boolean
  /**
   * `dropped`: what it builds on is gone. `amended`: it would apply as `command`.
   * `conflict`: the props that it expects are others now.
   */
  readonly kind: 'applied' | 'amended' | 'rejected' | 'dropped' | 'conflict'
  /** As it was given; as it would apply, where that is another. Ids made for it are examples. */
  readonly command: GivenCommand
  /** The node that it concerns: that which it creates, updates or deletes. */
  readonly path: Path
  /** Why it would not apply. */
  readonly rejection: Rejection | undefined
  /** Where it would win over what others did. */
  readonly conflicts: readonly Conflict[]
}

/** What would become of all that is pending, in order. */
export interface Preview {
  /** How far the master is that this was held against. */
  readonly commandCount: number
  readonly hash: string
  readonly commands: readonly PreviewedCommand[]
}

/** A proxy, or what is known of one that is put away. */
export interface Previewed {
  readonly memory: ProxyMemory
  confirmedSnapshot(): Snapshot
}

/**
 * Say what would become of the pending commands of `proxy` if they were sent now, and
 * where they meet what others did, without changing anything. `latest` is what the
 * master has: a snapshot, or its answer to who asks for news. The rules are those of
 * this side; the master may have others. `others` are played where they belong, as they
 * would be sent. Undefined if `latest` cannot be used or does
 * not continue what the proxy holds; a snapshot always can. Cost: O(document + pending).
 */
export function preview<U extends User = User>(
  proxy: Previewed,
  latest: Snapshot | PullAnswer,
  rules: PreviewRules<U>,
): Preview | undefined {
  const base = proxy.confirmedSnapshot()
  const memory = checkMemory(proxy.memory)
  const master = toMaster(base, memory, latest)
  if (!master) return undefined
  const player = new Player({ base, memory, master, rules })
  return {
    commandCount: master.commandCount,
    hash: master.hash,
    commands: player.play(),
  }
}

type PreviewRules<U extends User> = Pick<
  ProxyOptions<U>,
  'interceptors' | 'commands' | 'resolve' | 'versions' | 'user' | 'now' | 'others'
>

/** What the master has, and whether the flight is known to be part of it. */
interface MasterState {
  /** Flushes that are known to be part of it. */
  readonly landed: readonly { readonly clientId: string; readonly sequence: number }[]
  readonly commandCount: number
  readonly hash: string
  readonly document: JsonObject
  readonly hasLanded: boolean
}

function toMaster(
  base: Snapshot,
  { flight, hasLanded }: CheckedMemory,
  latest: Snapshot | PullAnswer,
): MasterState | undefined {
  const toState = (whole: Snapshot): MasterState => ({
    ...whole,
    hasLanded: hasLanded || isSeen(flight, whole.document),
    landed: [],
  })
  const snapshot = 'document' in latest ? checkSnapshot(latest) : undefined
  if (snapshot) return toState(snapshot)
  const answer: CheckedPull | undefined = checkPullAnswer(latest)
  if (!answer) return undefined
  if (answer.sync.kind === 'snapshot') return toState(answer.sync.snapshot)
  const { commandCount, hash } = answer
  const tree = new DocumentTree(base.document)
  let count = base.commandCount
  let isIn = hasLanded
  const landed = answer.sync.kind === 'updates' ? answer.sync.updates : []
  for (const update of landed) {
    const { from, clientId, sequence, commands } = update
    if (!commands) return undefined
    if (flight?.clientId === clientId && flight.sequence === sequence) isIn = true
    if (from + commands.length <= count) continue
    if (from !== count || commands.some((command) => tree.apply(command, []))) return undefined
    count += commands.length
  }
  if (count !== commandCount) return undefined
  return { commandCount, hash, document: tree.read() as JsonObject, hasLanded: isIn, landed }
}

/** Whether a document that does not tell its past must hold the flight, since one of its nodes is there. */
function isSeen(flight: Flush | undefined, document: JsonObject): boolean {
  const tree = new DocumentTree(document)
  return (flight?.commands ?? []).some((command) => {
    return command.action === 'create' && tree.has(nodeOf(command as CheckedCommand))
  })
}

interface PlayerOptions<U extends User> {
  readonly base: Snapshot
  readonly memory: CheckedMemory
  readonly master: MasterState
  readonly rules: PreviewRules<U>
}

// What was written since a count the master knows.
const askWritten = () => false
const NO_CONFLICTS: readonly Conflict[] = Object.freeze([])

/** Plays the pending commands, one after the other, on what the master has. */
class Player<U extends User> {
  readonly #options: PlayerOptions<U>
  readonly #before: DocumentTree
  readonly #theirs: DocumentTree
  readonly #tree: DocumentTree
  readonly #others: Others
  readonly #remaps: Remap[] = []
  readonly #refused: Path[] = []
  // Of the unit that is played.
  #changes: Change[] = []
  #made = 0

  constructor(options: PlayerOptions<U>) {
    this.#options = options
    this.#before = new DocumentTree(options.base.document)
    this.#theirs = new DocumentTree(options.master.document)
    this.#tree = new DocumentTree(options.master.document)
    this.#others = new Others(this.#tree, () => false)
    for (const { clientId, sequence } of options.master.landed) {
      this.#others.confirm(clientId, sequence)
    }
    this.#others.replace(options.rules.others ?? [], options.memory.clientId)
  }

  /** Play all of it, an atomic group as one. */
  play(): PreviewedCommand[] {
    const { pending } = this.#options.memory
    const played: PreviewedCommand[] = []
    for (let at = 0, end = 0; at < pending.length; at = end) {
      end = endOfUnit(pending, at)
      played.push(...this.#playUnit(at, end))
    }
    return played
  }

  #playUnit(at: number, end: number): PreviewedCommand[] {
    const { pending } = this.#options.memory
    this.#others.putOnBelow(pending[at]!.order)
    this.#changes = []
    const unit = pending.slice(at, end)
    const played = unit.map((_, index) => this.#play(at + index))
    if (unit.length === 1 || played.every(({ rejection }) => !rejection)) return played
    this.#tree.undo(this.#changes)
    for (const { given } of unit) if (given.action === 'create') this.#refused.push(nodeOf(given))
    return played.map((one) =>
      one.rejection ? one : { ...one, ...groupRejected(), conflicts: NO_CONFLICTS },
    )
  }

  #play(index: number): PreviewedCommand {
    const { memory, master } = this.#options
    const { serial, given, command: sent } = memory.pending[index]!
    const isSent = index < (memory.flight?.commands.length ?? 0)
    const command = isSent ? sent : given
    const own = { serial, isSent, given }
    if (isSent && master.hasLanded) return toResult(own, { kind: 'applied', command })
    const orphaned = checkParents(command.path, this.#refused)
    const result: Played = orphaned
      ? { kind: 'dropped', command, rejection: orphaned }
      : isRun(command)
        ? this.#run(serial, command)
        : this.#apply(serial, remapCommand(command, this.#remaps), isSent)
    if (result.rejection) {
      if (command.action === 'create') this.#refused.push(nodeOf(command))
      return toResult(own, result)
    }
    return toResult(own, result, this.#conflicts(result.command))
  }

  #apply(serial: number, written: CheckedCommand, isSent: boolean): Played {
    const { memory, rules: options } = this.#options
    const translated = translator(options.versions, memory.schema)?.(written)
    if (translated?.ok === false) {
      const { kind, rejection } = translated
      return { kind, rejection, command: written }
    }
    const command = translated?.command ?? written
    const free = withFreeId(this.#tree, command, () => `preview-${(this.#made += 1)}`)
    if (command.action === 'create' && free !== command) {
      this.#remaps.push({ from: nodeOf(command), to: nodeOf(free) })
    }
    const { clientId } = memory
    const changes: Change[] = []
    const document = this.#tree
    const rules = rulesOfProxy(this.#options.rules, clientId, serial)
    const { resolve: resolver } = this.#options.rules
    const met = meet(document, free, { ...rules, resolver, askWritten })
    if (!met.ok) return { ...met.refusal, command: free }
    const apply = (ruled: CheckedCommand) => this.#put(ruled, changes)
    const result = applyRuled<U, Loss>(met.command, {
      ...rules,
      tree: document,
      changes,
      apply,
      ...(isSent && { sent: met.command }),
    })
    // What was sent went through the rules already.
    const loss = result.ok ? undefined : isSent ? apply(free) : result.refusal
    this.#changes.push(...changes)
    if (result.ok) return { kind: 'applied', command: result.command }
    return loss ? { ...loss, command: free } : { kind: 'applied', command: free }
  }

  #run(serial: number, run: CheckedRun): Played {
    const changes: Change[] = []
    const result = applyRun<U, Loss>(run, {
      ...rulesOfProxy(this.#options.rules, this.#options.memory.clientId, serial),
      tree: this.#tree,
      changes,
      apply: (command) => this.#put(command, changes),
    })
    this.#changes.push(...changes)
    return result.ok ? { kind: 'applied', command: run } : { ...result.refusal, command: run }
  }

  #put(command: CheckedCommand, changes: Change[]): Loss | undefined {
    const stale = findStale(this.#tree, command, askWritten)
    if (stale) return toLoss(this.#tree, command, { kind: 'conflict', rejection: stale })
    const rejection = this.#tree.apply(command, changes)
    return rejection && { kind: 'dropped', rejection }
  }

  #conflicts(command: CheckedGiven): Conflict[] {
    if (command.action === 'create' || command.action === 'run') return []
    const { path } = command
    if (command.action === 'delete') return this.#compare(path, undefined)
    const { props = {}, unset = [] } = command
    return [
      ...Object.entries(props).flatMap(([key, mine]) => this.#compare([...path, key], mine)),
      ...unset.flatMap((key) => this.#compare([...path, key], undefined)),
    ]
  }

  #compare(path: Path, mine: JsonValue | undefined): Conflict[] {
    const before = this.#before.read(path)
    const theirs = this.#theirs.read(path)
    if (equalJson(before, theirs) || equalJson(theirs, mine)) return []
    return [{ path, before, mine, theirs }]
  }
}

interface Own extends Pick<PreviewedCommand, 'serial' | 'isSent'> {
  readonly given: CheckedGiven
}

interface Played {
  readonly kind: 'applied' | 'rejected' | 'dropped' | 'conflict'
  readonly command: CheckedGiven
  readonly rejection?: Rejection
}

function toResult(
  { serial, isSent, given }: Own,
  { kind, command, rejection }: Played,
  conflicts: readonly Conflict[] = NO_CONFLICTS,
): PreviewedCommand {
  // Fields and all: a rule may have given it other props, or the master another id.
  const isSame = equalJson(toJson(command), toJson(given))
  const isAmended = kind === 'applied' && !isSame
  const path = nodeOf(command)
  const outcome = isAmended ? 'amended' : kind
  return { serial, isSent, kind: outcome, command, path, rejection, conflicts }
}

function toJson(command: CheckedGiven): JsonValue {
  return command as unknown as JsonValue
}
