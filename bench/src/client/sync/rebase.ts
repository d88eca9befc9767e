// A page that was away: many commands are queued when many changes of others come at once.
import { throughJson } from '@flushout/core/testing'
import type { Goal, Section } from '../../harness/section.ts'
import { Colleague, CONTEXT, makePair } from './flushout-site.ts'
import { compareParts, type Work } from './stopwatch.ts'
import { makeList, type TodoList } from './todo-list.ts'

const SIZES = [1_000, 10_000, 100_000]
const COUNT = 100

/** Which todos others change while the first hundred are changed here. */
const OVERLAPS = {
  'none meets': (n: number) => COUNT + n,
  'a third meets': (n: number) => 1 + n * 3,
  'all meet': (n: number) => n,
} as const

type Overlap = keyof typeof OVERLAPS

/** The page stays open: it edits, hears of others, and flushes, over and over. */
function rebase(overlap: Overlap, { document, ids }: TodoList): Work {
  const { master, proxy } = makePair(document)
  const colleague = new Colleague(master)
  const theirs = Array.from({ length: COUNT }, (_, n) => ids[OVERLAPS[overlap](n)]!)
  let round = 0
  return {
    name: `${overlap} ${ids.length}`,
    once(time) {
      round += 1
      for (let n = 0; n < COUNT; n += 1) {
        proxy.update(['todos', ids[n]!], { text: `mine ${n} ${round}` })
      }
      const { from, hash } = proxy.confirmed
      colleague.write(theirs, `theirs ${round}`)
      const news = throughJson(master.pull(from, hash))
      if (time(() => proxy.receive(news)) !== 'applied') throw new Error('It was not.')
      proxy.endFlush(master.apply(proxy.beginFlush()!, CONTEXT))
      // The own ones are on top, wherever both wrote.
      const [mine, first] = [ids[0]!, theirs[0]!]
      if (proxy.read(['todos', mine, 'text']) !== `mine 0 ${round}`)
        throw new Error('Mine is lost.')
      if (
        JSON.stringify(proxy.read(['todos', first])) !==
        JSON.stringify(master.read(['todos', first]))
      ) {
        throw new Error('The proxy has not what its master has.')
      }
    },
  }
}

export function measureRebase(): Section {
  const lists = SIZES.map(makeList)
  const overlaps = Object.keys(OVERLAPS) as Overlap[]
  const medians = compareParts(
    lists.flatMap((list) => overlaps.map((overlap) => rebase(overlap, list))),
  )
  const of = (overlap: Overlap, size: number) => medians.get(`${overlap} ${size}`)!
  const goal = (size: number, atMost: number): Goal => ({
    what: `a rebase at ${size.toLocaleString('en')} todos, the dearest of these`,
    value: Math.max(...overlaps.map((overlap) => of(overlap, size))),
    unit: 'µs',
    atMost,
  })
  return {
    id: 'rebase',
    title: `${COUNT} queued commands over ${COUNT} changes of others`,
    rowsAre: 'todos',
    columns: overlaps.map((name) => ({ name, unit: 'µs' })),
    rows: SIZES.map((size) => ({
      name: size.toLocaleString('en'),
      values: overlaps.map((overlap) => of(overlap, size)),
    })),
    goals: [goal(10_000, 300), goal(100_000, 600)],
  }
}
