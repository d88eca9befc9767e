// What an edit costs in the browser, at 100 to 100,000 todos, with us and with others.
import type { Alternative, TodoList } from '../alternatives/alternative.ts'
import { automerge } from '../alternatives/automerge.ts'
import { immer, mutative, spread } from '../alternatives/copying.ts'
import { flushout } from '../alternatives/flushout.ts'
import { immutable } from '../alternatives/immutable.ts'
import { inPlace, inPlaceKept } from '../alternatives/in-place.ts'
import { originalFlushout } from '../alternatives/original-flushout.ts'
import { replicache } from '../alternatives/replicache.ts'
import { tanStackDb } from '../alternatives/tanstack-db.ts'
import { yjs } from '../alternatives/yjs.ts'
import { formatNumber } from '../harness/format.ts'
import { compare, type Contender } from '../harness/measure.ts'
import type { Row, Section } from '../harness/section.ts'
import type * as EditLoop from './edit-loop.ts'
import { makeTodos } from './todos.ts'
import { Walk } from './walk.ts'

const SIZES = [100, 1_000, 10_000, 100_000]
// The fast ones take many turns of their own: it is by them that we are measured.
const FAST = [inPlace, inPlaceKept, flushout]
const OTHERS = [
  immutable,
  originalFlushout,
  mutative,
  immer,
  spread,
  tanStackDb,
  yjs,
  automerge,
  replicache,
]
const ALL = [...FAST, ...OTHERS]
// As many as a flush holds at most: after that a page has told its server.
const EDITS = 500
const TURN_MS = 25
// How many todos one step changes before all is read.
const TOGETHER = 100
const WIDE = 10_000

type Loop = typeof EditLoop

/** How many turns each has, and a tenth of how long it runs before them. */
interface Pace {
  readonly rounds: number
  readonly roundMs: number
}
const CAREFUL: Pace = { rounds: 60, roundMs: 60 }
const BRIEF: Pace = { rounds: 9, roundMs: 20 }

/** A list, and the loops that are compiled for it. */
interface Runner {
  readonly name: string
  readonly list: TodoList
  readonly walk: Walk
  readonly loop: Loop
}

type Edit = (runner: Runner, times: number) => Promise<void>

async function open(alternatives: readonly Alternative[], size: number): Promise<Runner[]> {
  const todos = makeTodos(size)
  const runners: Runner[] = []
  for (const alternative of alternatives) {
    const { name } = alternative
    const list = await alternative.open(todos)
    const loop = (await import(`./edit-loop.ts?${encodeURIComponent(name)}`)) as Loop
    runners.push({ name, list, loop, walk: new Walk(Object.keys(todos)) })
  }
  return runners
}

/** Throws unless each list is what the same edits make of plain objects. */
async function check(runners: readonly Runner[], size: number): Promise<void> {
  for (const { name, list, walk } of runners) {
    const done = walk.doneIds()
    const entries = Object.entries(await list.toPlain())
    const isRight = entries.every(([id, todo]) => todo.done === done.has(id))
    if (entries.length !== size || !isRight) throw new Error(`${name} has other todos.`)
  }
}

/** About as often as fills a turn, and `most` times at most. */
async function countTurn(runner: Runner, edit: Edit, most: number): Promise<number> {
  await edit(runner, 1)
  runner.list.settle?.()
  const start = performance.now()
  await edit(runner, 1)
  return Math.max(1, Math.min(most, Math.floor(TURN_MS / (performance.now() - start))))
}

async function measure(
  alternatives: readonly Alternative[],
  size: number,
  { edit, most, pace }: { edit: Edit; most: number; pace: Pace },
): Promise<Map<string, number>> {
  const runners = await open(alternatives, size)
  const contenders: Contender[] = []
  for (const runner of runners) {
    const times = await countTurn(runner, edit, most)
    contenders.push({
      name: runner.name,
      times,
      prepare: () => runner.list.settle?.(),
      run: (count) => edit(runner, count),
    })
  }
  globalThis.gc?.()
  const result = await compare(contenders, pace)
  await check(runners, size)
  return result
}

const editOne: Edit = ({ loop, list, walk }, times) => loop.editTodos(list, walk, times)

async function measureItem(size: number): Promise<Map<string, number>> {
  const fast = await measure(FAST, size, { edit: editOne, most: EDITS, pace: CAREFUL })
  const others = await measure(OTHERS, size, { edit: editOne, most: EDITS, pace: BRIEF })
  return new Map([...fast, ...others])
}

function describeItem(bySize: ReadonlyMap<number, ReadonlyMap<string, number>>): Section {
  const timeOf = (size: number, { name }: Alternative) => bySize.get(size)!.get(name)!
  const ratio = (size: number, one: Alternative, other: Alternative) =>
    timeOf(size, one) / timeOf(size, other)
  return {
    id: 'item',
    title: 'One update of one todo, and reading that todo, by the number of todos',
    columns: SIZES.map((size) => ({ name: size.toLocaleString('en'), unit: 'µs' })),
    rows: ALL.map((one) => ({ name: one.name, values: SIZES.map((size) => timeOf(size, one)) })),
    goals: [
      ...SIZES.map((size) => ({
        what: `an edit at ${size.toLocaleString('en')} todos, to one in place`,
        value: ratio(size, flushout, inPlace),
        unit: '×' as const,
        atMost: 3,
      })),
      {
        what: 'Immer at 10,000 todos, to Flushout',
        value: ratio(10_000, immer, flushout),
        unit: '×',
        atLeast: 1_000,
      },
      {
        what: 'an edit at 100,000 todos',
        value: timeOf(100_000, flushout) / 1_000,
        unit: 'ms',
        atMost: 1,
      },
    ],
    plot: {
      x: { name: 'todos', unit: '' },
      y: { name: 'one edit', unit: 'µs' },
      lines: ALL.map((one) => ({
        name: one.name,
        points: SIZES.map((size) => [size, timeOf(size, one)] as const),
      })),
    },
  }
}

/** How long a command takes when so many are given in a step, and all is read after it. */
function measureWhole(alternatives: readonly Alternative[], count: number, pace: Pace) {
  const edit: Edit = ({ loop, list, walk }, times) =>
    loop.editTogether(list, walk, { count, times })
  return measure(alternatives, WIDE, { edit, most: EDITS / TOGETHER, pace })
}

async function describeWhole(): Promise<Section> {
  const steps = new Map<string, number>()
  const singles = new Map<string, number>()
  // Those that we are held against take their turns beside us.
  const near = [inPlace, flushout, mutative, immer]
  const far = [immutable, spread, originalFlushout, tanStackDb, yjs, automerge, replicache]
  for (const [group, pace] of [
    [near, CAREFUL],
    [far, BRIEF],
  ] as const) {
    for (const [name, time] of await measureWhole(group, TOGETHER, pace)) {
      steps.set(name, time / TOGETHER)
    }
    for (const [name, time] of await measureWhole(group, 1, pace)) singles.set(name, time)
  }
  const rows: Row[] = [...near, ...far].map(({ name }) => ({
    name,
    values: [steps.get(name)!, singles.get(name)!],
  }))
  const ours = steps.get(flushout.name)!
  return {
    id: 'whole',
    title: `Updates of todos and reading the whole document, at ${formatNumber(WIDE)} todos, by command`,
    columns: [
      { name: `${TOGETHER} updates, one read`, unit: 'µs' },
      { name: 'one update, one read', unit: 'µs' },
    ],
    rows,
    goals: [
      {
        what: `Immer with ${TOGETHER} updates and one read, to Flushout`,
        value: steps.get(immer.name)! / ours,
        unit: '×',
        atLeast: 2,
      },
      {
        what: `Mutative with ${TOGETHER} updates and one read, to Flushout`,
        value: steps.get(mutative.name)! / ours,
        unit: '×',
        atLeast: 1,
      },
    ],
    plot: {
      x: { name: `a command, of ${TOGETHER} before one read`, unit: 'µs' },
      bars: rows.map(({ name, values }) => ({ name, value: values[0]! })),
    },
  }
}

export async function run(): Promise<Section[]> {
  const bySize = new Map<number, Map<string, number>>()
  for (const size of SIZES) bySize.set(size, await measureItem(size))
  return [describeItem(bySize), await describeWhole()]
}
