// What of an undo stack outlives its page, as plain JSON.
import { attempt, demand, toCount, toList, toText } from './demand.ts'
import { copyJson, type JsonValue } from './json.ts'
import { isPath, type Path } from './path.ts'
import type { TrackedCommand } from './tracker.ts'
import type { Effect, Place } from './undo-effect.ts'

/** A step of an `UndoStack`, as plain JSON. */
export interface StepMemory {
  /** It was taken back, and can be done again. */
  readonly isRedo: boolean
  readonly label?: string
  /** When something was added to it last, in milliseconds since 1970. */
  readonly at: number
  readonly edits: readonly EditMemory[]
  /** Where it takes nothing back, as somebody else has set something since. */
  readonly left: readonly Path[]
}

/** What commands of a step did. */
export interface EditMemory {
  /** In order; of a command that is pending, with what followed it by a rule. */
  readonly effects: readonly Effect[]
  /** Which command it is, while nobody has confirmed it. */
  readonly of?: { readonly clientId: string; readonly serial: number }
}

/** Where the steps of a stack outlive the page. */
export interface StepHome {
  /** What an earlier stack had in `memory`, in that order. What is none is left out. */
  readonly steps: readonly unknown[]
  /** What was given under `clientId` and is pending, or was until a moment ago. */
  readonly pending: readonly TrackedCommand[]
  readonly clientId: string
  /** Hears whenever `memory` may be another. */
  changed(): void
}

/** A step that can be worked with, if it is one. */
export function checkStep(step: unknown): StepMemory | undefined {
  return attempt(() => {
    const { isRedo, label, at, edits, left } = step as StepMemory
    demand(typeof isRedo === 'boolean')
    return {
      isRedo,
      ...(label !== undefined && { label: toText(label) }),
      at: toCount(at),
      edits: toList(edits, (edit) => toEdit(edit as EditMemory)),
      left: toList(left, toPath),
    }
  })
}

function toEdit({ effects, of }: EditMemory): EditMemory {
  const checked = toList(effects, (effect) => toEffect(effect as Effect))
  if (!of) return { effects: checked }
  return { effects: checked, of: { clientId: toText(of.clientId), serial: toCount(of.serial) } }
}

function toEffect({ isUpdate, path, places }: Effect): Effect {
  demand(typeof isUpdate === 'boolean')
  return {
    isUpdate,
    path: toPath(path),
    places: toList(places, (place) => toPlace(place as Place)),
  }
}

function toPlace({ key, was, now }: Place): Place {
  return { key: toText(key), was: toValue(was), now: toValue(now) }
}

function toPath(path: unknown): Path {
  demand(isPath(path))
  return path
}

/** JSON has no place for nothing: what is not there is not written. */
function toValue(value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined) return undefined
  const copy = copyJson(value)
  demand(copy.ok)
  return copy.value
}
