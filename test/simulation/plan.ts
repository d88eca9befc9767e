import type { JsonObject } from '@flushout/core'
import type { Dice } from './dice.ts'

/** What a run is like, apart from its faults. */
export interface Plan {
  readonly people: number
  readonly servers: number
  readonly keys: readonly string[]
  /** Edits of each person. */
  readonly edits: number
  readonly stormMs: number
  /** What the models begin with. */
  readonly initial: JsonObject
  readonly hasRules: boolean
  readonly cacheBytes: number
  readonly historyBytes: number
  readonly documentBytes: number
  readonly flushBytes: number
  readonly flushCommands: number
  readonly keepHistory: number | undefined
  readonly checkpoint: { readonly bytes: number; readonly flushes: number }
}

/** Draw a plan; `prefix` keeps the models of one run from those of another. */
export function drawPlan(dice: Dice, prefix: string): Plan {
  const keys = dice.chance(0.3) ? [`${prefix}:a`, `${prefix}:b`] : [`${prefix}:a`]
  return {
    people: dice.between(3, dice.chance(0.1) ? 8 : 3),
    servers: dice.between(1, 3),
    keys,
    edits: dice.between(3, 7),
    stormMs: dice.between(800, 2_800),
    initial: drawDocument(dice),
    hasRules: dice.chance(0.4),
    cacheBytes: dice.pick([0, 500, 1_000_000]),
    historyBytes: dice.pick([0, 600, 100_000]),
    documentBytes: dice.chance(0.15) ? 2_500 : 1_000_000,
    flushBytes: dice.chance(0.2) ? 600 : 100_000,
    flushCommands: dice.pick([2, 500, 500]),
    keepHistory: dice.pick([undefined, 0, 5, 20]),
    checkpoint: dice.pick([
      { bytes: 0, flushes: 1 },
      { bytes: 300, flushes: 3 },
      { bytes: 1_000_000, flushes: 1_000_000 },
    ]),
  }
}

/** Sometimes with more todos than a plain object is kept for. */
function drawDocument(dice: Dice): JsonObject {
  const count = dice.pick([0, 2, 2, 2, 2, 2, 2, 36])
  const todo = (n: number) => [`t${n}`, { text: `todo ${n}`, tags: ['new'] }]
  return {
    todos: Object.fromEntries(Array.from({ length: count }, (_, n) => todo(n))),
    settings: { colour: 'red' },
  }
}
