// The whole way of some commands: made, flushed, applied by a master in memory, answered,
// ended.
import { throughJson } from '@flushout/core/testing'
import { CommandAction, Master as OriginalMaster, Proxy as OriginalProxy } from 'flushout'
import type { Section } from '../../harness/section.ts'
import { CONTEXT, makePair } from './flushout-site.ts'
import { compareParts, type Work } from './stopwatch.ts'
import { makeList, walk, type TodoList } from './todo-list.ts'

const SIZES = [100, 10_000, 100_000]
const COMMANDS = 10
const PARTS = ['made', 'begun', 'applied', 'ended'] as const

/** Both work on the same thread and hand each other objects, so no time is spent on text. */
function ours({ document, ids }: TodoList, isTakenApart: boolean): Work & { check(): void } {
  const { master, proxy } = makePair(document)
  const next = walk(ids)
  let flip = false
  const make = () => {
    flip = !flip
    for (let n = 0; n < COMMANDS; n += 1) proxy.update(['todos', next()], { done: flip })
  }
  const whole = () => {
    make()
    proxy.endFlush(master.apply(proxy.beginFlush()!, CONTEXT))
  }
  return {
    name: `Flushout ${ids.length}`,
    once(time) {
      if (!isTakenApart) {
        time(whole)
        return
      }
      const size = ids.length
      time(make, `made ${size}`)
      const flush = time(() => proxy.beginFlush()!, `begun ${size}`)
      const answer = time(() => master.apply(flush, CONTEXT), `applied ${size}`)
      time(() => proxy.endFlush(answer), `ended ${size}`)
    },
    check: () => checkSame(proxy.read(), master.read(), proxy.confirmed.from, master.commandCount),
  }
}

function original({ document, ids }: TodoList): Work & { check(): void } {
  const snapshot = { commandCount: 0, document }
  const proxy = new OriginalProxy(throughJson(snapshot))
  const master = new OriginalMaster(throughJson(snapshot))
  const next = walk(ids)
  let flip = false
  return {
    name: `Original ${ids.length}`,
    once(time) {
      time(() => {
        flip = !flip
        for (let n = 0; n < COMMANDS; n += 1) {
          const path = ['todos', next()]
          proxy.apply({ action: CommandAction.Update, path, props: { done: flip } })
        }
        // It has done all there is to do before it gives its promise.
        void master.apply(proxy.beginFlush())
        proxy.endFlush()
      })
    },
    check() {
      const { document: there, commandCount } = master.getSnapshot()
      checkSame(proxy.getDocument(), there, proxy.getCommandCount(), commandCount)
    },
  }
}

function checkSame(here: unknown, there: unknown, ourCount: number, theirCount: number): void {
  if (ourCount !== theirCount || JSON.stringify(here) !== JSON.stringify(there)) {
    throw new Error('The proxy has not what its master has.')
  }
}

export function measureCycle(): Section {
  const lists = SIZES.map(makeList)
  const works = lists.flatMap((list) => [ours(list, false), ours(list, true), original(list)])
  const medians = compareParts(works)
  for (const work of works) work.check()
  const of = (name: string, size: number) => medians.get(`${name} ${size}`)!
  const largest = SIZES.at(-1)!
  const [whole, theirs] = [of('Flushout', largest), of('Original', largest)]
  return {
    id: 'cycle',
    title: `${COMMANDS} commands made, flushed, applied by a master in memory, answered, ended`,
    rowsAre: 'todos',
    columns: [
      { name: 'Flushout', unit: 'µs' },
      ...PARTS.map((name) => ({ name, unit: 'µs' as const })),
      { name: 'original', unit: 'µs' },
      { name: 'original to Flushout', unit: '×' },
    ],
    rows: SIZES.map((size) => {
      const [our, their] = [of('Flushout', size), of('Original', size)]
      const values = [our, ...PARTS.map((part) => of(part, size)), their, their / our]
      return { name: size.toLocaleString('en'), values }
    }),
    goals: [
      { what: 'a whole cycle at 100,000 todos', value: whole, unit: 'µs', atMost: 15 },
      {
        what: 'a whole cycle at 100,000 todos, original to Flushout',
        value: theirs / whole,
        unit: '×',
        atLeast: 3_000,
      },
    ],
  }
}
