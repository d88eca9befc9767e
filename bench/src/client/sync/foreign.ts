// One change of somebody else that none of the queued commands meets.
import type { Section } from '../../harness/section.ts'
import { makeFlushoutSite } from './flushout-site.ts'
import { makeAutomergeSite, makeOriginalSite, makeShareDbSite, makeYjsSite } from './other-sites.ts'
import type { Site } from './site.ts'
import { compareParts, type Work } from './stopwatch.ts'
import { makeList, walk, type TodoList } from './todo-list.ts'

type MakeSite = (list: TodoList, queued: number) => Site

const TODOS = 10_000
const QUEUES = [0, 1, 10, 100, 1_000, 10_000]
const SIZES = [1_000, 10_000]

/** From the message as it comes to the text of the todo read. */
function receive(make: MakeSite, list: TodoList, queued: number): Work {
  const site = make(list, queued)
  // What is queued is for the other half.
  const next = walk(list.ids.slice(list.ids.length / 2))
  let count = 0
  return {
    name: `${site.name} ${list.ids.length} ${queued}`,
    once(time) {
      const id = next()
      const text = `Written elsewhere, number ${(count += 1)}`
      const take = site.news(id, text)
      const read = time(() => {
        take()
        return site.read(id)
      })
      if (read !== text) throw new Error(`${site.name} did not take the change in.`)
    },
  }
}

/** How the cost grows with the queue. */
export function measureQueue(): Section {
  const list = makeList(TODOS)
  const works = QUEUES.flatMap((queued) =>
    [makeFlushoutSite, makeYjsSite].map((make) => receive(make, list, queued)),
  )
  const medians = compareParts(works)
  const of = (name: string, queued: number) => medians.get(`${name} ${TODOS} ${queued}`)!
  const line = (name: string) => ({
    name,
    // A logarithmic axis has no zero.
    points: QUEUES.slice(1).map((queued) => [queued, of(name, queued)] as const),
  })
  const [none, thousand] = [of('Flushout', 0), of('Flushout', 1_000)]
  return {
    id: 'queue',
    title: `One change of somebody else at ${TODOS.toLocaleString('en')} todos, while commands are queued that it does not meet`,
    rowsAre: 'queued',
    columns: [
      { name: 'Flushout', unit: 'µs' },
      { name: 'Yjs', unit: 'µs' },
      { name: 'Yjs to Flushout', unit: '×' },
    ],
    rows: QUEUES.map((queued) => {
      const [our, their] = [of('Flushout', queued), of('Yjs', queued)]
      return { name: queued.toLocaleString('en'), values: [our, their, their / our] }
    }),
    goals: [
      {
        what: 'a change of others with 1,000 queued, to none queued',
        value: thousand / none,
        unit: '×',
        atMost: 2,
      },
      {
        what: 'a change of others with 1,000 queued, Yjs to Flushout',
        value: of('Yjs', 1_000) / thousand,
        unit: '×',
        atLeast: 3,
      },
    ],
    plot: {
      x: { name: 'queued', unit: '' },
      y: { name: 'one change', unit: 'µs' },
      lines: [line('Flushout'), line('Yjs')],
    },
  }
}

/** All who can do it. */
export function measureForeign(): Section {
  const queued = 100
  const makers = [
    makeFlushoutSite,
    makeYjsSite,
    makeAutomergeSite,
    makeShareDbSite,
    makeOriginalSite,
  ]
  const rows = new Map<string, number[]>()
  for (const size of SIZES) {
    const list = makeList(size)
    const medians = compareParts(
      makers.map((make) => receive(make, list, queued)),
      { rounds: 8 },
    )
    for (const [key, value] of medians) {
      const name = key.split(' ')[0]!
      rows.set(name, [...(rows.get(name) ?? []), value])
    }
  }
  return {
    id: 'foreign',
    title: `One change of somebody else, while ${queued} commands are queued`,
    columns: SIZES.map((size) => ({
      name: `${size.toLocaleString('en')} todos`,
      unit: 'µs',
    })),
    rows: [...rows].map(([name, values]) => ({ name, values })),
    plot: {
      x: { name: 'one change at 10,000 todos', unit: 'µs' },
      bars: [...rows].map(([name, values]) => ({ name, value: values.at(-1)! })),
    },
  }
}
