// Ways to store what many writers do to models. A flush is the same for all: two commands,
// which change the text of one todo and tick another, stored when it is answered.
import type { JsonObject } from '@flushout/core'
import { drive, type Round } from '../../harness/rates.ts'
import { modelPicker, type Spread } from './spread.ts'

/** How many commands a flush has. */
export const COMMANDS = 2

export interface Scheme {
  readonly name: string
  /** Let so many writers work for a while, each one flush after the other. */
  run(writers: number, forMs: number, spread: Spread): Promise<Tried>
  /**
   * What its process has used of the processor so far, in microseconds; undefined where each
   * run makes its connections anew, which is not what flushes cost.
   */
  readCpu(): Promise<number | undefined>
  /** Throws unless everything that was answered is stored, once. */
  check(): Promise<void>
  close(): Promise<void>
}

/** What the writers got done, and how often something was tried for it. */
interface Tried extends Pick<Round, 'perSecond' | 'times'> {
  readonly tries: number
}

/** What a scheme that runs in this process does for a flush. */
export interface Storage {
  /** Store a flush of one writer. */
  flush(model: number, writer: number): Promise<void>
  /** How often a flush had to be tried once more, so far; never where that is left out. */
  retries?(): number
  /** How many commands were stored, in all models. */
  countCommands(): Promise<number>
  /** A model as it is; left out where nobody makes documents. */
  read?(model: number): Promise<JsonObject>
  close(): Promise<void>
}

/** The todos that a flush changes. */
export interface Todos {
  readonly todos: { readonly t0: { text: string }; readonly t1: { done: boolean } }
}

/** A scheme with a writer for each of many loops in this process. */
export function inProcess(name: string, storage: Storage): Scheme {
  let flushes = 0
  return {
    name,
    async run(writers, forMs, spread) {
      const pick = modelPicker(spread)
      const before = storage.retries?.() ?? 0
      const work = (writer: number) => storage.flush(pick(), writer)
      const { perSecond, times } = await drive({ name, workers: writers, work }, forMs)
      flushes += times.length
      return { perSecond, times, tries: times.length + (storage.retries?.() ?? 0) - before }
    },
    async readCpu() {
      const { user, system } = process.cpuUsage()
      return user + system
    },
    async check() {
      demandAll(name, await storage.countCommands(), flushes)
      if (!storage.read) return
      const { todos } = (await storage.read(0)) as unknown as Todos
      if (!todos.t0.text.startsWith('by ')) throw new Error(`${name} did not keep what was written`)
    },
    close: () => storage.close(),
  }
}

/** Throw unless so many flushes left as many commands. */
export function demandAll(name: string, commands: number, flushes: number): void {
  if (commands === flushes * COMMANDS) return
  throw new Error(`${name} answered ${flushes} flushes, and stored ${commands} commands`)
}

/** Change a document of plain objects in place. */
export function change({ todos }: Todos, writer: number): void {
  todos.t0.text = `by ${writer}`
  todos.t1.done = !todos.t1.done
}
