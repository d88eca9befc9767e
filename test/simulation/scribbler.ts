import type { Model, Receipt } from '@flushout/client'
import { createUndo, type UndoStack } from '@flushout/client/undo'
import type { Command, GivenCommand, Path } from '@flushout/core'
import { isDeepStrictEqual } from 'node:util'
import type { ModelTracker } from '../../packages/client/src/model-tracker.ts'
import { NOTE_PATH } from './desk.ts'
import type { Dice } from './dice.ts'
import type { Stage } from './stage.ts'
import { Violation } from './violation.ts'

/** Who writes notes. */
export interface Scribe {
  readonly name: string
  /** What tells the next edit from all others; `series` if it is given out of turn. */
  nextMark(series?: string): string
  /** Write down an edit that was not refused on the spot, and does not carry its mark. */
  noteUnmarked(key: string, action: Command['action'], receipt: Receipt): void
}

/** Has someone write notes, take that back, and do it again. */
export class Scribbler {
  readonly #scribe: Scribe
  readonly #stage: Stage
  readonly #dice: Dice
  readonly #stacks = new WeakMap<Model, UndoStack>()
  // What they wrote in notes, also when they took something back.
  readonly #put = new WeakMap<Model, Set<unknown>>()

  constructor(scribe: Scribe, stage: Stage, dice: Dice) {
    this.#scribe = scribe
    this.#stage = stage
    this.#dice = dice
  }

  /** Write notes, and take that back, or do it again. */
  scribble(key: string, model: Model): void {
    const stack = this.#stackOf(key, model)
    const before = model.read(NOTE_PATH)
    switch (this.#dice.between(0, 6)) {
      case 0:
      case 1:
        return this.#takeBack(model, this.#dice.chance(0.6) ? stack.undo : stack.redo)
      case 2:
      case 3:
      case 4:
        return this.#write(key, model, stack)
      default:
        this.#write(key, model, stack)
    }
    const after = model.read(NOTE_PATH)
    // What changed nothing is no step.
    if (isDeepStrictEqual(before, after)) return
    this.#checkBack(stack.undo(), model, before)
    if (this.#dice.chance(0.5)) this.#checkBack(stack.redo(), model, after)
  }

  #write(key: string, model: Model, stack: UndoStack): void {
    const ids = model.keys(NOTE_PATH)
    const id = this.#dice.pick(ids)
    const words = `words ${this.#scribe.nextMark()}`
    const way = this.#dice.between(0, 3)
    stack.endStep()
    if (id === undefined || way === 0) {
      this.#do(key, model, { action: 'create', path: ['notes'], props: { words } })
    } else if (way === 1) this.#do(key, model, { action: 'delete', path: ['notes', id] })
    else this.#do(key, model, { action: 'update', path: ['notes', id], props: { words } })
    stack.endStep()
  }

  /** Take something back, or do it again, but nothing that others have changed. */
  #takeBack(model: Model, revert: UndoStack['undo']): void {
    const before = wordsOf(model)
    const put = this.#put.get(model) ?? new Set()
    revert()
    const after = wordsOf(model)
    for (const [id, words] of before) {
      if (after.get(id) === words || put.has(words)) continue
      throw new Violation('taken back', `${this.#scribe.name} changed what others wrote at ${id}`, {
        expected: words,
        found: after.get(id),
      })
    }
  }

  #do(key: string, model: Model, command: Command): Receipt {
    this.#notePut(model, command)
    const receipt = model.apply(command)
    const at = (command.path ?? []).join('/')
    this.#stage.trace(`${this.#scribe.name} ${command.action} at ${at}`)
    if (receipt.ok) this.#scribe.noteUnmarked(key, command.action, receipt)
    return receipt
  }

  #checkBack(result: ReturnType<UndoStack['undo']>, model: Model, expected: unknown): void {
    if (!result || result.skipped.length > 0) return
    const found = model.read(NOTE_PATH)
    if (isDeepStrictEqual(found, expected)) return
    throw new Violation('taken back', `${this.#scribe.name} sees something else`, {
      expected,
      found,
    })
  }

  #notePut(model: Model, command: Command): void {
    const { words } = (command.action !== 'delete' && command.props) || {}
    const put = this.#put.get(model) ?? new Set()
    this.#put.set(model, put.add(words))
  }

  /** Takes back what is done to notes; other edits would be written twice. */
  #stackOf(key: string, model: Model): UndoStack {
    const known = this.#stacks.get(model)
    if (known) return known
    const isNote = ({ path = [] }: GivenCommand) => path[0] === 'notes'
    const stack = createUndo({
      read: (path: Path) => model.read(path),
      apply: (command) => this.#do(key, model, command),
      batch: (run, options) => model.batch(run, options),
      track: (tracker: ModelTracker) =>
        model.track({
          ...tracker,
          before: (command) => {
            if (isNote(command)) tracker.before(command)
          },
          given: (tracked, group, now) => {
            if (isNote(tracked.command)) tracker.given(tracked, group, now)
          },
        }),
    })
    this.#stacks.set(model, stack)
    return stack
  }
}

/** What each note says. */
function wordsOf(model: Model): ReadonlyMap<string, unknown> {
  return new Map(
    model.keys(NOTE_PATH).map((id) => [id, model.read([...NOTE_PATH, id, 'words'] as never)]),
  )
}
