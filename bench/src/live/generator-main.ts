// Part of the load: many clients with raw streams in one process.
import { setTimeout as wait } from 'node:timers/promises'
import { serveParent } from '../harness/child.ts'
import { readClock } from './clock.ts'
import { processApi } from './process-api.ts'
import { Requests } from './requests.ts'
import { StreamClient, type ClientTask } from './stream-client.ts'

/** What the clients of a process are to write. */
export interface WriteTask {
  readonly forMs: number
  /** Changes of this process, spread evenly. */
  readonly perSecond: number
  /** Who writes, in turns: so many of the clients; all if left out. */
  readonly writers?: number
  /** Characters of a change. */
  readonly characters: number
}

/** Where a model is, and by how many changes of the run. */
export interface Target {
  readonly commandCount: number
  readonly hash: string
  readonly changes: number
}

/** What the clients of a process saw since it was last asked. */
export interface Seen {
  /** Of each change at each client that did not make it: when it was sent, and when it came. */
  readonly times: Float64Array
  readonly asked: number
  readonly repeated: number
}

const OPENING_AT_A_TIME = 100
const SETTLE_MS = 60_000

let clients: StreamClient[] = []
let times: number[] = []
let failure: Error | undefined
const requests = new Requests(16)

const api = {
  ...processApi,

  /** Connect all of them. Resolves when each was told how far its model is. */
  async open(tasks: readonly ClientTask[]): Promise<void> {
    const around = {
      requests,
      onChange: (sentAt: number, receivedAt: number) => void times.push(sentAt, receivedAt),
      onError: (error: Error) => void (failure ??= error),
    }
    clients = tasks.map((task) => new StreamClient(task, around))
    const waiting = [...clients]
    const openNext = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) await next.open()
    }
    await Promise.all(Array.from({ length: OPENING_AT_A_TIME }, openNext))
  },

  /** Write for a while; gives how many changes each model got. */
  async write({ forMs, perSecond, writers, characters }: WriteTask): Promise<Map<string, number>> {
    const crew = shuffle(clients.slice(0, writers))
    const written = new Map<string, number>()
    const last = new Map<StreamClient, Promise<void>>()
    const start = readClock()
    for (let turn = 0; ; turn += 1) {
      const dueMs = (turn * 1000) / perSecond
      if (dueMs >= forMs) break
      const earlyMs = start + dueMs - readClock()
      if (earlyMs > 0) await wait(earlyMs)
      check()
      const client = crew[turn % crew.length]!
      // One flush at a time, as clients do.
      const before = last.get(client) ?? Promise.resolve()
      const text = `${turn} `.padEnd(characters, '.')
      const flush = before.then(() => client.write(text))
      // Whatever fails is told once, at the end.
      flush.catch(() => {})
      last.set(client, flush)
      written.set(client.key, (written.get(client.key) ?? 0) + 1)
    }
    await Promise.all(last.values())
    return written
  },

  /** Resolves when every client that reads is where its model is, having got each change once. */
  async settle(targets: ReadonlyMap<string, Target>): Promise<void> {
    const until = readClock() + SETTLE_MS
    const isThere = (client: StreamClient) => client.isAt(targets.get(client.key)!)
    const reading = clients.filter(({ isStalled }) => !isStalled)
    while (!reading.every(isThere)) {
      check()
      if (readClock() > until) {
        const late = reading.filter((client) => !isThere(client)).length
        throw new Error(
          `${late} of ${reading.length} clients did not come to where the models are.`,
        )
      }
      await wait(20)
    }
    check()
    for (const { key, received } of reading) {
      const { changes } = targets.get(key)!
      if (received !== changes) {
        throw new Error(`A client got ${received} of the ${changes} changes of ${key}.`)
      }
    }
  },

  /** Let the last so many clients read nothing any more. */
  stall(count: number): void {
    for (const client of clients.slice(-count)) client.stall()
  },

  /** Let all of them read again. */
  resume(): void {
    for (const client of clients) if (client.isStalled) client.resume()
  },

  collect(): Seen {
    check()
    const seen: Seen = {
      times: Float64Array.from(times),
      asked: clients.reduce((sum, { asked }) => sum + asked, 0),
      repeated: clients.reduce((sum, { repeated }) => sum + repeated, 0),
    }
    times = []
    for (const client of clients) {
      client.asked = 0
      client.repeated = 0
    }
    return seen
  },
}

/** What a process of raw streams can be asked for. */
export type GeneratorApi = typeof api

function check(): void {
  if (failure) throw failure
}

/** Mix them, so that clients of one model do not write one after the other. */
function shuffle<Item>(items: Item[]): Item[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[items[last], items[other]] = [items[other]!, items[last]!]
  }
  return items
}

serveParent(api)
