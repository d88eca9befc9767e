import type { JsonObject, Path } from '@flushout/core'

/** What is read to decide on something, and written as a consequence. */
export const REGISTERS = ['r1', 'r2', 'r3'] as const
/** What is written and may have to be erased. */
export const SECRETS = ['s1', 's2'] as const
const NOTES = ['n1', 'n2'] as const
/** Where notes are, which are undone and redone. */
export const NOTE_PATH: Path = ['notes']
/** What everything holds at first. */
export const BLANK = 'new'

/** What the models of people with habits have besides. */
export const DESK: JsonObject = {
  shelf: Object.fromEntries(REGISTERS.map((name) => [name, { value: BLANK }])),
  secrets: Object.fromEntries(SECRETS.map((name) => [name, { words: BLANK }])),
  notes: Object.fromEntries(NOTES.map((name) => [name, { words: BLANK }])),
}
