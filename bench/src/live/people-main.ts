// Part of the load: real clients, as applications make them, in one process.
import { createClient, type Client, type Model } from '@flushout/client'
import { setTimeout as wait } from 'node:timers/promises'
import { serveParent } from '../harness/child.ts'
import { readClock } from './clock.ts'
import { digestDocument } from './digest-document.ts'

/** One person, with a page open. */
export interface PersonTask {
  readonly name: string
  readonly key: string
}

/** When all was well again with somebody, and with what document. */
export interface Converged {
  readonly key: string
  readonly at: number
  readonly digest: string
}

interface Person extends PersonTask {
  readonly client: Client
  readonly model: Model
}

let people: Person[] = []

const api = {
  async open(tasks: readonly PersonTask[], url: string): Promise<void> {
    people = tasks.map((task) => {
      const client = createClient({ url })
      return { ...task, client, model: client.model(task.key) }
    })
    for (const { model } of people) model.subscribe(() => {})
    await Promise.all(people.map(({ model }) => model.ready))
  },

  /** How many are in which state. */
  countStates(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { model } of people) {
      counts.set(model.status.state, (counts.get(model.status.state) ?? 0) + 1)
    }
    return counts
  },

  /** Everybody adds so many todos, one after the other within `forMs`. */
  async edit(each: number, forMs: number): Promise<void> {
    for (let round = 0; round < each; round += 1) {
      for (const { name, model } of people) {
        model.create(['todos'], { text: `by ${name}`, done: false }, { id: `${name}-${round}` })
      }
      await wait(forMs / each)
    }
  },

  /** How many commands nobody has confirmed. */
  countPending(): number {
    return people.reduce((sum, { model }) => sum + model.status.queued + model.status.inFlight, 0)
  },

  /** Wait until everybody has confirmed all of their own and got all of the others. */
  async converge(commandCounts: ReadonlyMap<string, number>, withinMs: number) {
    const until = readClock() + withinMs
    const done: Converged[] = []
    let waiting = people
    for (;;) {
      waiting = waiting.filter(({ key, model }) => {
        const { queued, inFlight, commandCount } = model.status
        const isThere = queued + inFlight === 0 && commandCount === commandCounts.get(key)
        if (isThere) done.push({ key, at: readClock(), digest: digestDocument(model.read()!) })
        return !isThere
      })
      if (waiting.length === 0) return done
      if (readClock() > until) throw new Error(`${waiting.length} clients did not converge.`)
      await wait(10)
    }
  },
}

/** What a process of real clients can be asked for. */
export type PeopleApi = typeof api

serveParent(api)
