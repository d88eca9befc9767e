// A flush that nobody else interferes with: begun, answered, ended.
import { throughJson } from '@flushout/core/testing'
import { CommandAction, Proxy as OriginalProxy } from 'flushout'
import { agree } from '../agree.ts'
import type { Section } from '../../harness/section.ts'
import { makePair } from './flushout-site.ts'
import { compareParts, type Work } from './stopwatch.ts'
import { makeList, walk, type TodoList } from './todo-list.ts'

const SIZES = [100, 1_000, 10_000, 100_000]
const COMMANDS = 10

/** Only what is between the commands and the next flush is timed. */
function ours({ document, ids }: TodoList): Work {
  const { proxy } = makePair(document)
  const next = walk(ids)
  let flip = false
  return {
    name: `Flushout ${ids.length}`,
    once(time) {
      flip = !flip
      for (let n = 0; n < COMMANDS; n += 1) proxy.update(['todos', next()], { done: flip })
      time(() => proxy.endFlush(agree(proxy.beginFlush()!)))
      if (proxy.status.queued + proxy.status.inFlight > 0) throw new Error('It was not answered.')
    },
  }
}

function original({ document, ids }: TodoList): Work {
  const proxy = new OriginalProxy({ commandCount: 0, document: throughJson(document) })
  const next = walk(ids)
  let flip = false
  return {
    name: `Original ${ids.length}`,
    once(time) {
      flip = !flip
      for (let n = 0; n < COMMANDS; n += 1) {
        proxy.apply({
          action: CommandAction.Update,
          path: ['todos', next()],
          props: { done: flip },
        })
      }
      time(() => {
        proxy.beginFlush()
        proxy.endFlush()
      })
      if (proxy.hasUnflushedCommands()) throw new Error('It was not answered.')
    },
  }
}

export function measureFlush(): Section {
  const lists = SIZES.map(makeList)
  const medians = compareParts([...lists.map(ours), ...lists.map(original)])
  const of = (name: string, size: number) => medians.get(`${name} ${size}`)!
  const [smallest, largest] = [SIZES[0]!, SIZES.at(-1)!]
  const growth = of('Flushout', largest) / of('Flushout', smallest)
  const line = (name: string) => ({
    name,
    points: SIZES.map((size) => [size, of(name, size)] as const),
  })
  return {
    id: 'flush',
    title: `The beginning and the end of a flush of ${COMMANDS} commands`,
    rowsAre: 'todos',
    columns: [
      { name: 'Flushout', unit: 'µs' },
      { name: 'original', unit: 'µs' },
      { name: 'original to Flushout', unit: '×' },
    ],
    rows: SIZES.map((size) => {
      const [our, their] = [of('Flushout', size), of('Original', size)]
      return { name: size.toLocaleString('en'), values: [our, their, their / our] }
    }),
    goals: [
      {
        what: 'begin and end of a flush at 100,000 todos',
        value: of('Flushout', largest),
        unit: 'µs',
        atMost: 5,
      },
      { what: 'the same, to that at 100 todos', value: growth, unit: '×', atMost: 1.5 },
    ],
    plot: {
      x: { name: 'todos', unit: '' },
      y: { name: 'begin and end', unit: 'µs' },
      lines: [line('Flushout'), line('Original')],
    },
  }
}
