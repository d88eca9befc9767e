// What it costs to follow what is done, and to take one command back, at 100 to 100,000
// todos.
import { CommandProxy, type JsonObject } from '@flushout/core'
import { createTestIds } from '@flushout/core/testing'
import { UndoStack } from '@flushout/core/undo'
import { agree } from './agree.ts'
import { compare, percentile } from '../harness/measure.ts'
import type { Column, Row, Section } from '../harness/section.ts'

const SIZES = [100, 10_000, 100_000]
const EDITS = 500
const WARM_UP = 1_000

function makeProxy(size: number): { proxy: CommandProxy; ids: readonly string[] } {
  const ids = Array.from({ length: size }, createTestIds('todo'))
  const todos = Object.fromEntries(ids.map((id, n) => [id, { text: `Todo number ${n}`, n: 0 }]))
  const document: JsonObject = { todos }
  const options = { createId: createTestIds('ada'), now: () => Date.now() }
  return { proxy: new CommandProxy({ commandCount: 0, hash: 'h', document }, options), ids }
}

function drain(proxy: CommandProxy): void {
  for (let flush = proxy.beginFlush(); flush; flush = proxy.beginFlush()) {
    proxy.endFlush(agree(flush))
  }
}

/** One update of one todo, with and without a stack that follows it. */
async function follow(size: number): Promise<Row> {
  const contenders = [false, true].map((isFollowed) => {
    const { proxy, ids } = makeProxy(size)
    const stack = isFollowed ? new UndoStack(proxy) : undefined
    let at = 0
    return {
      name: String(isFollowed),
      times: EDITS,
      prepare() {
        drain(proxy)
        stack?.endStep()
      },
      run(times: number) {
        for (let n = 0; n < times; n += 1) {
          at = (at + 7_919) % size
          proxy.update(['todos', ids[at]!], { n: at + n })
        }
      },
    }
  })
  const times = await compare(contenders, { rounds: 60 })
  const [plain, followed] = [...times.values()] as [number, number]
  return { name: size.toLocaleString('en'), values: [plain, followed, followed / plain] }
}

/** Undo and redo of each kind of command, with a full stack. */
function takeBack(size: number): Row {
  const { proxy, ids } = makeProxy(size)
  const stack = new UndoStack(proxy)
  const samples: { undo: number[]; redo: number[] } = { undo: [], redo: [] }
  let at = 0
  for (let round = 1; round <= WARM_UP * 3; round += 1) {
    at = (at + 7_919) % size
    const path = ['todos', ids[at]!]
    if (round % 3 === 0) proxy.update(path, { n: round })
    else if (round % 3 === 1) proxy.create(['todos'], { text: 'new', n: round })
    else proxy.delete(path)
    for (const kind of ['undo', 'redo', 'undo'] as const) {
      const start = performance.now()
      if (stack[kind]()?.skipped.length !== 0) throw new Error(`the ${kind} was not whole`)
      samples[kind].push((performance.now() - start) * 1000)
    }
    // So that there are always steps below.
    proxy.update(path, { n: round + 0.5 })
    if (round % 50 === 0) drain(proxy)
  }
  const [undo, redo] = [samples.undo, samples.redo].map((list) =>
    list.slice(WARM_UP).sort((a, b) => a - b),
  ) as [number[], number[]]
  return {
    name: size.toLocaleString('en'),
    values: [undo, redo].flatMap((times) => [percentile(times, 50), percentile(times, 99)]),
  }
}

const micros = (name: string): Column => ({ name, unit: 'µs' })

export async function run(): Promise<Section[]> {
  const followed: Row[] = []
  for (const size of SIZES) followed.push(await follow(size))
  const takenBack = SIZES.map(takeBack)
  return [
    {
      id: 'follow',
      title: 'One update of a todo, without and with a stack that follows it',
      rowsAre: 'todos',
      columns: [micros('plain'), micros('followed'), { name: 'to plain', unit: '×' }],
      rows: followed,
    },
    {
      id: 'take-back',
      title: 'Undo and redo of one command: update, create and delete in turns',
      rowsAre: 'todos',
      columns: ['undo', 'p99', 'redo', 'p99'].map(micros),
      rows: takenBack,
      goals: [
        {
          what: 'undo at 100,000 todos',
          value: takenBack.at(-1)!.values[0]!,
          unit: 'µs',
          atMost: 1000,
        },
      ],
    },
  ]
}
