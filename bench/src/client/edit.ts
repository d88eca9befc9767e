// What an edit costs in the browser, at 100 to 100,000 todos.
import { CommandProxy, createIdFactory, Master, type JsonObject } from '@flushout/core'
import { testDigest, throughJson } from '@flushout/core/testing'
import { produce, setAutoFreeze } from 'immer'
import { getRandomValues } from 'node:crypto'
import { agree } from './agree.ts'
import { compare, median, micros, printTable, ratio } from './measure.ts'

const SIZES = [100, 10_000, 100_000]

interface Todo {
  text: string
  done: boolean
}
type TodoList = { todos: Record<string, Todo> }

const createId = createIdFactory({
  now: () => Date.now(),
  fillRandom: (bytes) => void getRandomValues(bytes as Uint8Array<ArrayBuffer>),
})
const options = { createId, now: () => Date.now() }

function makeList(size: number): { document: TodoList; ids: string[] } {
  const ids = Array.from({ length: size }, createId)
  const todos = Object.fromEntries(
    ids.map((id, n) => [id, { text: `Todo number ${n}`, done: false }]),
  )
  return { document: { todos }, ids }
}

function proxyOf(document: TodoList): CommandProxy<TodoList> {
  return new CommandProxy<TodoList>({ commandCount: 0, hash: 'h', document }, options)
}

/** Gives the ids in an order that a processor cannot foresee, the same for all. */
function shuffled(ids: readonly string[]): () => string {
  let at = 0
  const step = 7_919
  return () => ids[(at = (at + step) % ids.length)]!
}

// As many as a flush holds at most: after that a proxy has told its master, and
// the queue is empty again.
const EDITS = 500

/** What anybody would write who needs neither history nor immutability. */
function applyInPlace(
  document: TodoList,
  command: { path: readonly string[]; props: JsonObject },
): Todo {
  let node = document as unknown as Record<string, unknown>
  for (const key of command.path) node = node[key] as Record<string, unknown>
  for (const key of Object.keys(command.props)) node[key] = command.props[key]
  return node as unknown as Todo
}

/** The same, by an application that has to send the change later and share no objects with its caller. */
function applyAndKeep(
  document: TodoList,
  queue: string[],
  command: Parameters<typeof applyInPlace>[1],
): Todo {
  queue.push(JSON.stringify(command))
  return applyInPlace(document, command)
}

let sink: unknown

async function applyAndRead(size: number): Promise<string[]> {
  const { document, ids } = makeList(size)
  const plain = throughJson(document)
  const kept = throughJson(document)
  const queue: string[] = []
  let proxy = proxyOf(document)
  let base = throughJson(document)
  setAutoFreeze(true)
  const [nextPlain, nextKept, nextOurs, nextImmer] = [1, 2, 3, 4].map(() => shuffled(ids)) as [
    () => string,
    () => string,
    () => string,
    () => string,
  ]
  let flip = false
  const result = await compare(
    [
      {
        name: 'in place',
        times: EDITS,
        run(times) {
          for (let n = 0; n < times; n += 1) {
            flip = !flip
            sink = applyInPlace(plain, { path: ['todos', nextPlain()], props: { done: flip } })
          }
        },
      },
      {
        name: 'kept',
        times: EDITS,
        prepare: () => void queue.splice(0),
        run(times) {
          for (let n = 0; n < times; n += 1) {
            flip = !flip
            sink = applyAndKeep(kept, queue, { path: ['todos', nextKept()], props: { done: flip } })
          }
        },
      },
      {
        name: 'flushout',
        times: EDITS,
        prepare: () => drain(proxy),
        run(times) {
          for (let n = 0; n < times; n += 1) {
            flip = !flip
            const path = ['todos', nextOurs()] as const
            proxy.update(path, { done: flip })
            sink = proxy.read(path)
          }
        },
      },
      {
        name: 'immer',
        times: size > 1_000 ? 1 : EDITS,
        run(times) {
          for (let n = 0; n < times; n += 1) {
            flip = !flip
            const id = nextImmer()
            base = produce(base, (draft) => {
              draft.todos[id]!.done = flip
            })
            sink = base.todos[id]
          }
        },
      },
    ],
    { rounds: 60 },
  )
  const [inPlace, keptTime, ours, immer] = [...result.values()] as [number, number, number, number]
  proxy = proxyOf({ todos: {} })
  return [
    size.toLocaleString('en'),
    micros(inPlace),
    micros(keptTime),
    micros(ours),
    micros(immer),
    ratio(ours / inPlace),
    ratio(ours / keptTime),
    ratio(immer / ours),
  ]
}

/** Confirm everything queued, as a master would that is always of the same opinion. */
function drain(proxy: CommandProxy<TodoList>): void {
  for (let flush = proxy.beginFlush(); flush; flush = proxy.beginFlush()) {
    proxy.endFlush(agree(flush))
  }
}

async function flushCycle(): Promise<string[][]> {
  const worlds = SIZES.map((size) => ({ size, ...makeList(size) }))
  const contenders = worlds.map(({ size, document, ids }) => {
    const proxy = proxyOf(document)
    const next = shuffled(ids)
    return {
      name: String(size),
      times: 1,
      run: () => {},
      measureOnce() {
        for (let n = 0; n < 10; n += 1) proxy.update(['todos', next()], { done: n % 2 === 0 })
        const start = performance.now()
        const flush = proxy.beginFlush()!
        proxy.endFlush(agree(flush))
        return (performance.now() - start) * 1000
      },
    }
  })
  const samples = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round < 3_000; round += 1) {
    for (const contender of contenders) samples.get(contender.name)!.push(contender.measureOnce())
  }
  const medians = [...samples.values()].map(
    (list) => list.slice(1_000).sort((a, b) => a - b)[1_000]!,
  )
  return worlds.map(({ size }, n) => [
    size.toLocaleString('en'),
    micros(medians[n]!),
    ratio(medians[n]! / medians[0]!),
  ])
}

/** One page that stays open: it edits, hears of others, and flushes, over and over. */
function rebase(size: number): string[] {
  const { document, ids } = makeList(size)
  const master = new Master(
    { commandCount: 0, hash: 'h', document: document as unknown as JsonObject },
    { createId, digest: testDigest, maxDocumentBytes: 64 * 1024 * 1024 },
  )
  const proxy = proxyOf(document)
  const context = { user: undefined, now: 0, seed: '' }
  const samples: number[] = []
  for (let round = 1; round <= 400; round += 1) {
    for (let n = 0; n < 100; n += 1) {
      proxy.update(['todos', ids[n % size]!], { text: `mine ${n} ${round}` })
    }
    const commands = Array.from({ length: 100 }, (_, n) => ({
      action: 'update' as const,
      path: ['todos', ids[(n * 3 + 1) % size]!],
      props: { text: `theirs ${n} ${round}` },
    }))
    const { from, hash } = proxy.confirmed
    master.apply({ protocol: 1, clientId: 'other', sequence: round, from, hash, commands }, context)
    const news = throughJson(master.pull(from, hash))
    const start = performance.now()
    if (proxy.receive(news) !== 'applied') throw new Error('the news did not apply')
    samples.push((performance.now() - start) * 1000)
    proxy.endFlush(throughJson(master.apply(throughJson(proxy.beginFlush()!), context)))
  }
  return [size.toLocaleString('en'), micros(median(samples.slice(100)))]
}

console.log('Apply one command and read that item; ratio to a plain change in place')
const applied: string[][] = []
for (const size of SIZES) applied.push(await applyAndRead(size))
printTable([
  ['todos', 'in place', 'and kept', 'flushout', 'immer', 'to in place', 'to kept', 'immer to it'],
  ...applied,
])
console.log('\nbeginFlush + endFlush of 10 commands')
printTable([['todos', 'median', 'to 100 todos'], ...(await flushCycle())])
console.log('\n100 queued commands rebased over 100 foreign ones')
printTable([['todos', 'median'], ...SIZES.map(rebase)])
void sink
