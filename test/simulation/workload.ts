import type { Command, JsonObject, JsonValue, Path } from '@flushout/core'
import type { Dice } from './dice.ts'

/** What a person may look at before the next edit. */
export interface View {
  keys(path?: Path): readonly string[]
  read(path: Path): unknown
}

const RULES = ['none', 'reject', 'throw', 'amend', 'trim']

/** Draw the next edit of someone who looks at `view`; it writes `mark` wherever it can. */
export function drawEdit(dice: Dice, view: View, mark: string): Command {
  const props: JsonObject = { mark, rule: dice.pick(RULES), ...drawMore(dice) }
  const ids = view.keys(['todos'])
  // The newest more often than others: it may not be confirmed yet.
  const id = dice.chance(0.4) ? ids.at(-1) : dice.pick(ids)
  const at = id === undefined ? [] : ['todos', id]
  // What was created there, as far as this person can see.
  const { born } = (view.read(at) ?? {}) as { born?: JsonValue }
  const seen = born === undefined ? {} : { seen: born }
  switch (dice.between(0, 9)) {
    case 0:
    case 1:
    case 2:
      return { action: 'create', path: ['todos'], props: { ...props, born: mark } }
    case 3:
      // Two people take the same name: one of them is renamed.
      return {
        action: 'create',
        path: ['todos'],
        id: `slot-${dice.between(1, 3)}`,
        props: { ...props, born: mark },
      }
    case 4:
      return { action: 'create', path: [...at, 'steps'], parentDefault: {}, props }
    case 5:
      return { action: 'update', path: at, props: { ...props, ...seen }, unset: ['tags'] }
    case 6:
      return { action: 'delete', path: drawLeaf(dice, view, at) }
    case 7:
      return { action: 'update', path: [...at, 'steps', drawStep(dice, view, at)], props }
    default:
      return { action: 'update', path: at, props: { ...props, ...seen } }
  }
}

function drawMore(dice: Dice): JsonObject {
  switch (dice.between(0, 5)) {
    case 0:
      return { text: 'x'.repeat(dice.pick([10, 200, 900])) }
    case 1:
      return { tags: ['a', { b: [null, 0.1, 'ä\u0000'] }] }
    case 2:
      // A container instead of a value, and numbers for keys.
      return { steps: { '7': { one: 1 }, '3': {} } }
    default:
      return {}
  }
}

function drawStep(dice: Dice, view: View, at: Path): string {
  return dice.pick(view.keys([...at, 'steps'])) ?? 'nowhere'
}

/** A todo, one of its steps, or one of its fields. */
function drawLeaf(dice: Dice, view: View, at: Path): Path {
  if (at.length === 0) return ['settings', 'colour']
  const field = dice.pick(view.keys(at))
  // A name that is free again might be given to something else.
  const mayGo = !at[1]!.startsWith('slot-')
  return mayGo && dice.chance(0.5) ? at : [...at, field ?? 'nothing']
}
