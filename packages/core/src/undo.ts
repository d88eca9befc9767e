// Undo and redo of what was done in one proxy. A step is what a person takes for one
// thing: a command, a batch, a word that was typed. To take it back is to give commands
// as anybody does; what these did is the step of the other list:
//
//   given ──► undo list ──undo()──► redo list
//                 ▲                     │
//                 └───────redo()────────┘
//
// A step is held as the commands that were accepted, not as what they did: that
// changes as long as they are pending, and is looked up when it is needed.
import type { ApplyOptions } from './commander.ts'
import type { Command, GivenCommand, Rejection } from './command.ts'
import type { BatchOptions } from './group.ts'
import { isSameJson, type JsonValue } from './json.ts'
import { isSamePath, ROOT, startsWith, type Path } from './path.ts'
import type { Receipt } from './receipt.ts'
import type { CommandTracker, TrackedCommand } from './tracker.ts'
import { amend, foresee, invert, join, type Effect } from './undo-effect.ts'
import { checkStep, type EditMemory, type StepHome, type StepMemory } from './undo-memory.ts'

export type { StepHome, StepMemory } from './undo-memory.ts'

/** What can be undone: a `CommandProxy`, or a model of a client. */
export interface UndoTarget {
  read(path: Path): unknown
  apply(command: Command, options?: ApplyOptions): Receipt
  batch<T>(run: () => T, options?: BatchOptions): T
  track(tracker: CommandTracker): unknown
}

/** How steps are made of commands. */
export interface UndoOptions {
  /** Names a step by its first command, for a button or a menu. */
  readonly describe?: (command: Command) => string | undefined
  /** How many steps are kept. Default 100. */
  readonly maxSteps?: number
  /** Updates of the same props of a node are one step while they follow within this time. Default 1,000. */
  readonly pauseMs?: number
}

/** What can be done now, and what it is called. */
export interface UndoState {
  readonly canUndo: boolean
  readonly canRedo: boolean
  /** Of the step that `undo` takes back. */
  readonly label: string | undefined
  /** Of the step that `redo` does again. */
  readonly redoLabel: string | undefined
}

/** A place that an undo or redo left as it is. */
export interface Skipped {
  readonly path: Path
  /**
   * `gone`: somebody deleted it, or what it is in. `changed`: somebody set it since.
   * `refused`: a rule does not allow it.
   */
  readonly reason: 'gone' | 'changed' | 'refused'
  /** Why it was refused. */
  readonly rejection?: Rejection
}

/** What became of an undo or redo. */
export interface UndoResult {
  /** Of the step. */
  readonly label: string | undefined
  /** For what was taken back; its verdicts come as for any command. */
  readonly receipts: readonly Receipt[]
  /** What could not be taken back any more; empty where all was. */
  readonly skipped: readonly Skipped[]
}

interface Step {
  /** In each list they ascend. */
  readonly id: number
  label: string | undefined
  edits: (TrackedCommand | Effect)[]
  /** The batch that it is, if it is one. */
  readonly group: object | undefined
  /** Which props of which node, where more of the same may follow. */
  readonly typing: string | undefined
  /** When something was added last. */
  at: number
  /** Where somebody else has set something since: what was done there before is over. */
  readonly left: Path[]
  /** What is to be remembered of it, while that cannot be another. */
  memory: StepMemory | undefined
}

const MAX_STEPS = 100
const PAUSE_MS = 1_000
// So many keystrokes are held one by one.
const MAX_EDITS = 32
const NOTHING: UndoState = Object.freeze({
  canUndo: false,
  canRedo: false,
  label: undefined,
  redoLabel: undefined,
})

/** The steps that were done in one proxy, to take back and to do again. */
export class UndoStack {
  readonly #target: UndoTarget
  readonly #options: UndoOptions
  readonly #undo: Step[] = []
  readonly #redo: Step[] = []
  readonly #effects = new WeakMap<Command, Effect>()
  readonly #listeners = new Set<() => void>()
  // What is given now belongs to this step, as an undo is under way.
  #collecting: Step | undefined
  #label: string | undefined
  #isClosed = false
  #state = NOTHING
  #home: StepHome | undefined
  #lastId = 0

  /** Follows what is given to `target` from now on; one stack for each. */
  constructor(target: UndoTarget, options: UndoOptions = {}) {
    this.#target = target
    this.#options = options
    target.track({
      before: (command) => {
        this.#effects.set(command, foresee(command, this.#read))
        this.#home?.changed()
      },
      given: (tracked, group, now) => this.#given(tracked, { group, at: now, label: this.#label }),
    })
  }

  /** What can be done now. The same object until it is another. */
  get state(): UndoState {
    return this.#state
  }

  /** Call `listener` whenever `state` is another, until the returned function is called. */
  subscribe = (listener: () => void): (() => void) => {
    const own = () => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /**
   * Take the last step back by commands like any other. What somebody else changed or
   * deleted since stays as it is and is named in the result; undefined if there is no step.
   */
  undo = (): UndoResult | undefined => this.#revert(this.#undo, this.#redo)

  /** Do again what was undone last, as far as nobody else changed the same. */
  redo = (): UndoResult | undefined => this.#revert(this.#redo, this.#undo)

  /** Run commands as one batch, which is one step of this name, in the history too. */
  step<T>(label: string, run: () => T): T {
    const outer = this.#label
    this.#label = label
    try {
      return this.#target.batch(run, { label })
    } finally {
      this.#label = outer
    }
  }

  /** What is given next is a step of its own, whatever was before. */
  endStep(): void {
    this.#isClosed = true
  }

  /**
   * What must be remembered so that another stack can go on where this one is, step by
   * step under numbers that ascend. A step is the same object while nothing is new about it.
   */
  get memory(): ReadonlyMap<number, StepMemory> {
    const memories = new Map<number, StepMemory>()
    for (const step of this.#redo) memories.set(step.id, this.#remember(step, true))
    for (const step of this.#undo) memories.set(step.id, this.#remember(step, false))
    return memories
  }

  /** Go on with the steps that `home` has, before those of here, and tell it of news from now on. */
  keep(home: StepHome): void {
    const steps = home.steps.flatMap((step) => checkStep(step) ?? [])
    const first = Math.min(1, ...[...this.#undo, ...this.#redo].map(({ id }) => id))
    const restored = steps.map((step, index) => ({
      isRedo: step.isRedo,
      step: this.#restore(step, first - steps.length + index, home),
    }))
    const list = (redo: boolean) => restored.flatMap((one) => (one.isRedo === redo ? one.step : []))
    // What was given here since makes it another future.
    if (this.#undo.length === 0) this.#redo.unshift(...list(true))
    this.#undo.unshift(...list(false))
    this.#home = home
    this.#mayHaveChanged()
  }

  #restore({ label, at, edits, left }: StepMemory, id: number, home: StepHome): Step {
    const restored = edits.flatMap(({ effects, of }): readonly (TrackedCommand | Effect)[] => {
      const tracked =
        of?.clientId === home.clientId && home.pending.find(({ serial }) => serial === of.serial)
      if (!tracked) return effects
      const { command: given, followUps } = tracked
      const all = given.action === 'run' ? followUps : [given, ...followUps]
      for (const [index, command] of all.entries()) {
        const effect = effects[index]
        if (effect && !this.#effects.has(command)) this.#effects.set(command, effect)
      }
      void tracked.verdict.then(() => this.#mayHaveChanged())
      return [tracked]
    })
    const rest = { group: undefined, typing: undefined, memory: undefined }
    return { id, label, at, edits: restored, left: [...left], ...rest }
  }

  #remember(step: Step, isRedo: boolean): StepMemory {
    if (step.memory) return step.memory
    const { label, at, edits, left, typing } = step
    const isSettled = edits.every((edit) => 'places' in edit || edit.outcome)
    const known = edits.flatMap((edit): EditMemory[] => {
      const effects = this.#effectsOfEdit(edit)
      if (effects.length === 0) return []
      if ('places' in edit || edit.outcome) return [{ effects }]
      return [{ effects, of: { clientId: this.#home?.clientId ?? '', serial: edit.serial } }]
    })
    const effects = known.flatMap((edit) => edit.effects)
    const kept = isSettled ? [{ effects: joinAll(effects, typing ? Infinity : 1) }] : known
    const memory = { isRedo, ...(label !== undefined && { label }), at, edits: kept, left }
    // What is pending may become something else without a word.
    if (isSettled) step.memory = memory
    return memory
  }

  #given(tracked: TrackedCommand, when: Pick<Step, 'group' | 'at' | 'label'>): void {
    void this.#settled(tracked, when)
    if (!tracked.waits) this.#add(tracked, when)
  }

  async #settled(
    tracked: TrackedCommand,
    when: Pick<Step, 'group' | 'at' | 'label'>,
  ): Promise<void> {
    const { kind } = await tracked.verdict
    // It shows only now, so only now it can be taken back.
    if (tracked.waits && (kind === 'applied' || kind === 'amended')) this.#add(tracked, when)
    else this.#mayHaveChanged()
  }

  #add(tracked: TrackedCommand, { group, at, label }: Pick<Step, 'group' | 'at' | 'label'>): void {
    if (this.#collecting) return void this.#collecting.edits.push(tracked)
    this.#redo.length = 0
    const { command, label: own } = tracked
    const typing = group ? undefined : typingOf(command)
    const last = this.#isClosed ? undefined : this.#undo.at(-1)
    const { describe, maxSteps = MAX_STEPS, pauseMs = PAUSE_MS } = this.#options
    const isSameBatch = group && last?.group === group
    const isTyping = typing && last?.typing === typing && at - last.at <= pauseMs
    if (last && (isSameBatch || isTyping)) {
      last.edits.push(tracked)
      last.at = at
      last.memory = undefined
      if (last.edits.length > MAX_EDITS) last.edits = this.#shorten(last.edits)
    } else {
      const isNamed = command.action === 'run'
      const name = label ?? own ?? (isNamed ? command.name : describe?.(command))
      const step = { label: name, edits: [tracked], group, typing, at, left: [] }
      this.#undo.push({ ...step, id: (this.#lastId += 1), memory: undefined })
      if (this.#undo.length > maxSteps) this.#undo.shift()
    }
    this.#isClosed = false
    this.#mayHaveChanged()
  }

  #revert(from: Step[], to: Step[]): UndoResult | undefined {
    const step = this.#last(from)
    if (!step) return undefined
    const receipts: Receipt[] = []
    const skipped: Skipped[] = []
    const { label, at } = step
    const rest = { group: undefined, typing: undefined, memory: undefined }
    const reverse: Step = { id: (this.#lastId += 1), label, at, edits: [], left: [], ...rest }
    try {
      this.#target.batch(() => {
        this.#collecting = reverse
        for (const effect of this.#effectsOf(step).reverse()) {
          const receipt = this.#takeBack(without(effect, step.left), skipped)
          if (receipt) receipts.push(receipt)
          this.#leave(skipped)
        }
        // Before anybody is told: what they do then is a step of their own.
        this.#collecting = undefined
        this.#isClosed = true
        from.pop()
        if (reverse.edits.length > 0) to.push(reverse)
      })
    } finally {
      this.#collecting = undefined
    }
    this.#mayHaveChanged()
    return { label, receipts, skipped }
  }

  /** Take back what is still as it was left. */
  #takeBack(effect: Effect, skipped: Skipped[]): Receipt | undefined {
    const places = effect.places.filter(({ key, was, now }) => {
      const path = [...effect.path, key]
      const found = this.#read(path)
      if (isSameJson(found, now)) return true
      if (this.#isLedTo(path, now)) return !isSameJson(found, was)
      skipped.push({ path, reason: found === undefined ? 'gone' : 'changed' })
      return false
    })
    if (places.length === 0) return undefined
    const receipt = this.#target.apply(invert({ ...effect, places }))
    const { rejection } = receipt
    if (!rejection) return receipt
    const isGone = rejection.code === 'PATH_NOT_FOUND' || rejection.code === 'NOT_A_NODE'
    for (const { key } of places) {
      const path = [...effect.path, key]
      skipped.push(isGone ? { path, reason: 'gone' } : { path, reason: 'refused', rejection })
    }
    return undefined
  }

  /** Whether a rule changed `path` as something else was taken back, and found it as it was left. */
  #isLedTo(path: Path, now: JsonValue | undefined): boolean {
    const edits = this.#collecting?.edits ?? []
    const led = edits.flatMap((edit) =>
      'followUps' in edit ? this.#found([], edit.followUps) : [],
    )
    return led.some((effect) =>
      effect.places.some(
        ({ key, was }) => isSamePath([...effect.path, key], path) && isSameJson(was, now),
      ),
    )
  }

  /** Nothing that was done at these places earlier is taken back, even if it should look the same again. */
  #leave(skipped: readonly Skipped[]): void {
    if (skipped.length === 0) return
    for (const step of [...this.#undo, ...this.#redo]) {
      for (const { path } of skipped) if (!step.left.includes(path)) step.left.push(path)
      step.memory = undefined
    }
  }

  /** The last step that did something; those after it, of which nothing is left, are forgotten. */
  #last(steps: Step[]): Step | undefined {
    while (steps.length > 0 && this.#effectsOf(steps.at(-1)!).length === 0) steps.pop()
    return steps.at(-1)
  }

  #effectsOf({ edits, left, typing }: Step): Effect[] {
    const effects = edits.flatMap((edit) => this.#effectsOfEdit(edit))
    return joinAll(effects, typing ? Infinity : 1).filter(
      (effect) => without(effect, left).places.length > 0,
    )
  }

  /** As they are by now, with those of what followed it by a rule: none, if the command was lost. */
  #effectsOfEdit(edit: TrackedCommand | Effect): Effect[] {
    if ('places' in edit) return [edit]
    const { command, followUps, outcome } = edit
    const own = command.action === 'run' ? undefined : this.#effects.get(command)
    if (!outcome) return this.#found([own], followUps)
    if (outcome.kind === 'applied') {
      const made = command.action === 'run' ? followUps : []
      return this.#found([own], outcome.followUps, made)
    }
    if (outcome.kind !== 'amended') return []
    const amended = this.#effects.get(outcome.command) ?? (own && amend(own, outcome.command))
    return this.#found([amended], outcome.followUps)
  }

  /**
   * What is not known stays: of a snapshot nobody can tell what followed a command there.
   * But what a named one made there may be what it had `made` here.
   */
  #found(
    own: readonly (Effect | undefined)[],
    followUps: readonly Command[] = [],
    made: readonly Command[] = [],
  ): Effect[] {
    const effects = followUps.map((command) => {
      const same = this.#effects.has(command) ? command : made.find((one) => isEqual(one, command))
      return same && this.#effects.get(same)
    })
    return [...own, ...effects].filter((effect) => effect !== undefined)
  }

  /** Hold what was settled as what it did, so that typing without a pause takes no more and more. */
  #shorten(edits: Step['edits']): Step['edits'] {
    const first = edits.findIndex((edit) => !('places' in edit) && !edit.outcome)
    const settled = first < 0 ? edits : edits.slice(0, first)
    const pending = first < 0 ? [] : edits.slice(first)
    const effects = settled.flatMap((edit) => this.#effectsOfEdit(edit))
    return [...joinAll(effects, Infinity), ...pending]
  }

  readonly #read = (path: Path): JsonValue | undefined =>
    this.#target.read(path) as JsonValue | undefined

  #mayHaveChanged(): void {
    this.#home?.changed()
    const undo = this.#last(this.#undo)
    const redo = this.#last(this.#redo)
    const now = this.#state
    const next: UndoState = Object.freeze({
      canUndo: undo !== undefined,
      canRedo: redo !== undefined,
      label: undo?.label,
      redoLabel: redo?.label,
    })
    if ((Object.keys(next) as (keyof UndoState)[]).every((key) => next[key] === now[key])) return
    this.#state = next
    for (const listener of this.#listeners) listener()
  }
}

function isEqual(one: Command, other: Command): boolean {
  return isSameJson(one as unknown as JsonValue, other as unknown as JsonValue)
}

/** What of `effect` is neither at, above nor below one of `paths`. */
function without(effect: Effect, paths: readonly Path[]): Effect {
  if (paths.length === 0) return effect
  const places = effect.places.filter(({ key }) => {
    const path = [...effect.path, key]
    return !paths.some((other) => startsWith(path, other) || startsWith(other, path))
  })
  return { ...effect, places }
}

/** Each that goes on with one of the `reach` before it as one with that, if nothing between meets it. */
function joinAll(effects: readonly Effect[], reach: number): Effect[] {
  const joined: Effect[] = []
  for (const effect of effects) {
    const paths = effect.places.map(({ key }) => [...effect.path, key])
    const start = Math.max(0, joined.length - reach)
    let index = joined.length - 1
    let both: Effect | undefined
    for (; index >= start; index -= 1) {
      both = join(joined[index]!, effect)
      if (both || meets(joined[index]!, paths)) break
    }
    if (both) joined[index] = both
    else joined.push(effect)
  }
  return joined
}

/** Whether something of `effect` is at, above or below one of `paths`. */
function meets(effect: Effect, paths: readonly Path[]): boolean {
  return without(effect, paths).places.length < effect.places.length
}

/** What is being typed into, if the command may be a part of that. */
function typingOf(command: GivenCommand): string | undefined {
  if (command.action !== 'update' || !command.props || command.unset) return undefined
  return JSON.stringify([command.path ?? ROOT, Object.keys(command.props).sort()])
}
