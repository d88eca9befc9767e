import type { Feed, JsonObject } from '@flushout/core'
import type { ClientRetention, Retention } from '@flushout/server'
import type { Dice } from './dice.ts'
import { DESK } from './desk.ts'

/** What a run is like, apart from its faults. */
export interface Plan {
  readonly people: number
  readonly servers: number
  readonly keys: readonly string[]
  /** What all keys fit. */
  readonly pattern: string
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
  readonly history: Retention
  readonly clients: ClientRetention
  readonly checkpoint: { readonly bytes: number; readonly flushes: number }
  /** Whether clients hear of what others do; else they ask from time to time. */
  readonly hasLive: boolean
  /** Of how many people in a hundred nothing lets streams through. */
  readonly blockedShare: number
  /** Whether servers hear each other. */
  readonly hasHints: boolean
  /** How often a client asks that hears nothing. */
  readonly askMs: number
  /** How often a server says something on each stream. */
  readonly heartbeatMs: number
  /** How often a server looks what others wrote. */
  readonly lookMs: number
  /** In how many runs of a hundred it is tried how soon people hear. */
  readonly probeShare: number
  /** Whether somebody follows items as events, and holds no documents. */
  readonly hasFollower: boolean
  /** Whether the application follows items in the servers. */
  readonly hasServerFollowers: boolean
  /** What of a model is followed. */
  readonly feed: Feed
  /** Whether people tell each other where they are. */
  readonly hasPresence: boolean
  /** Whether people do more than plain edits, and somebody erases and reads old versions. */
  readonly hasHabits: boolean
}

/** Which profile of a device each person uses, by number; undefined for a page that keeps nothing. */
export type Seats = readonly (number | undefined)[]

/** Draw who shares what; undefined where nobody keeps anything. */
export function drawSeats(dice: Dice, people: number): Seats | undefined {
  if (!dice.chance(0.5)) return undefined
  const profiles = dice.pick([1, 1, 2])
  return Array.from({ length: people }, (_, n) =>
    n === 0 || dice.chance(0.75) ? dice.between(0, profiles - 1) : undefined,
  )
}

/** Draw a plan; `prefix` keeps the models of one run from those of another. */
export function drawPlan(dice: Dice, prefix: string): Plan {
  const keys = dice.chance(0.3) ? [`${prefix}:a`, `${prefix}:b`] : [`${prefix}:a`]
  const hasLive = dice.chance(0.75)
  return {
    people: dice.between(3, dice.chance(0.1) ? 8 : 3),
    servers: dice.between(1, 3),
    keys,
    pattern: `${prefix}:*`,
    edits: dice.between(3, 7),
    stormMs: dice.between(800, 2_800),
    initial: drawDocument(dice),
    hasRules: dice.chance(0.4),
    cacheBytes: dice.pick([0, 500, 1_000_000]),
    historyBytes: dice.pick([0, 600, 100_000]),
    documentBytes: dice.chance(0.15) ? 2_500 : 1_000_000,
    flushBytes: dice.chance(0.2) ? 600 : 100_000,
    flushCommands: dice.pick([2, 500, 500]),
    history: dice.pick(['all', 'none', { last: 5 }, { last: 20 }, { forMs: 1_500 }]),
    clients: dice.pick(['all', 'all', { forMs: 1_500 }]),
    checkpoint: dice.pick([
      { bytes: 0, flushes: 1 },
      { bytes: 300, flushes: 3 },
      { bytes: 1_000_000, flushes: 1_000_000 },
    ]),
    hasLive,
    blockedShare: dice.pick([0, 0, 0, 30, 100]),
    hasHints: dice.chance(0.7),
    // Where they hear of everything, asking must not be what heals.
    askMs: hasLive && dice.chance(0.7) ? 600_000 : 2_500,
    heartbeatMs: dice.pick([2_500, 6_000, 20_000]),
    lookMs: dice.pick([300, 2_000]),
    probeShare: 40,
    hasFollower: hasLive && dice.chance(0.3),
    hasServerFollowers: hasLive && dice.chance(0.2),
    feed: dice.pick([
      { path: ['todos'] },
      { path: ['todos'], position: 'rank' },
      {},
      { path: ['todos'], item: 't1' },
    ]),
    hasPresence: hasLive && dice.chance(0.3),
    hasHabits: false,
  }
}

/** The same, perhaps with habits of people, and with what they need for that. */
export function withHabits(plan: Plan, dice: Dice): Plan {
  if (!dice.chance(0.3)) return plan
  return { ...plan, hasHabits: true, initial: { ...plan.initial, ...DESK } }
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
