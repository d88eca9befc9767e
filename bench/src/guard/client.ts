import type { Alternative } from '../alternatives/alternative.ts'
import { immer } from '../alternatives/copying.ts'
import { flushout } from '../alternatives/flushout.ts'
import { makeTodos } from '../client/todos.ts'
import { Walk } from '../client/walk.ts'
import { compare, type Contender } from '../harness/measure.ts'
import type { Goal } from '../harness/section.ts'

const FEW = 100
const MANY = 10_000
const VERY_MANY = 100_000

/** Each turn makes so many edits, and what follows from them: a flush of ours. */
async function contend(
  alternative: Alternative,
  { name, size, edits }: { name: string; size: number; edits: number },
): Promise<Contender> {
  const todos = makeTodos(size)
  const list = await alternative.open(todos)
  const walk = new Walk(Object.keys(todos))
  return {
    name,
    times: edits,
    run() {
      for (let n = 0; n < edits; n += 1) {
        const id = walk.next()
        void list.setDone(id, walk.done)
        void list.readTodo(id)
      }
      list.settle?.()
    },
  }
}

/** An edit that copied the list would cost a thousand times as much, and so would a flush. */
export async function compareOnClient(): Promise<Goal[]> {
  const times = await compare([
    await contend(flushout, { name: 'few', size: FEW, edits: 10 }),
    await contend(flushout, { name: 'many', size: MANY, edits: 10 }),
    await contend(flushout, { name: 'very many', size: VERY_MANY, edits: 10 }),
    await contend(immer, { name: 'immer', size: MANY, edits: 1 }),
  ])
  const ratio = (name: string, to: string) => times.get(name)! / times.get(to)!
  return [
    {
      what: 'ten edits and their flush at 100,000 todos, to those at 100',
      value: ratio('very many', 'few'),
      unit: '×',
      atMost: 20,
    },
    {
      what: 'an edit by Immer at 10,000 todos, to ours',
      value: ratio('immer', 'many'),
      unit: '×',
      atLeast: 100,
    },
  ]
}
