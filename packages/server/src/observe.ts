// Who looks on while flushes are served. A flush waits for its model, which is committed
// with other flushes, which is sent to the store with other models:
//
//   flush ─┐
//   flush ─┴─► commit ─┐
//   flush ───► commit ─┴─► statement
import { isFlushoutError, type FlushAnswer } from '@flushout/core'
import type { LimitName } from './limits.ts'
import type { Usage } from './usage.ts'

/** A piece of work that a server does. */
export type Step =
  /** A flush, from when it was read until it is answered. `kind` is the pattern of its model. */
  | {
      readonly name: 'flush'
      readonly kind: string
      readonly key: string
      readonly commands: number
    }
  /** A model is read, for one request. */
  | { readonly name: 'read'; readonly kind: string; readonly key: string }
  /** One try to store what the flushes `of` a model did. */
  | { readonly name: 'commit'; readonly key: string; readonly of: readonly Watch[] }
  /** One statement to the store, for the commits `of` several models. */
  | { readonly name: 'statement'; readonly of: readonly Watch[] }

/** Looks on while a step is done. */
export interface Watch {
  /** Do the work of the step, at once. */
  run<Result>(work: () => Result): Result
  /**
   * The step is over: `applied` or `repeated` for a flush, `stored` or `conflict` for a
   * commit, else `ok`. Where it failed the code of the error, or `failed`.
   */
  end(result: string): void
}

/**
 * Hears what a server does. It is called in the way of every request: it has to be quick, and
 * must not throw.
 */
export interface Observer {
  /** The server begins; `usage` tells what is in its memory, whenever it is asked. */
  attach?(usage: () => Usage): void
  /** Something came over HTTP with these headers. Do the work for it, at once. */
  receive?<Result>(headers: Headers, work: () => Result): Result
  /** A step begins. */
  begin(step: Step): Watch
  /** A flush of so many commands to a model of this kind was answered. */
  answered?(kind: string, commands: number, answer: FlushAnswer): void
  /** What somebody did `lagMs` ago is told to those who are connected here. */
  told?(lagMs: number): void
  /** A request was refused, with this code. */
  refused?(code: string): void
  /** Somebody ran into a limit. */
  limited?(limit: LimitName): void
}

/** The headers of a request. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Do the work of a step, watched if anybody looks on. */
export function watched<Result>(
  watch: Watch | undefined,
  work: () => Promise<Result>,
  resultOf: (result: Result) => string = () => 'ok',
): Promise<Result> {
  // Not a promise more than without it.
  return watch ? watching(watch, work, resultOf) : work()
}

async function watching<Result>(
  watch: Watch,
  work: () => Promise<Result>,
  resultOf: (result: Result) => string,
): Promise<Result> {
  try {
    const result = await watch.run(work)
    watch.end(resultOf(result))
    return result
  } catch (error) {
    watch.end(isFlushoutError(error) ? error.code : 'failed')
    throw error
  }
}

/** One observer that stands for all, or none. */
export function joinObservers(observers: readonly (Observer | undefined)[]): Observer | undefined {
  const all = observers.filter((observer) => observer !== undefined)
  return all.length > 1 ? new JointObserver(all) : all[0]
}

class JointObserver implements Observer {
  readonly #all: readonly Observer[]

  constructor(all: readonly Observer[]) {
    this.#all = all
  }

  attach(usage: () => Usage): void {
    for (const one of this.#all) one.attach?.(usage)
  }

  receive<Result>(headers: Headers, work: () => Result): Result {
    const run = this.#all.reduceRight<() => Result>(
      (inner, one) => () => (one.receive ? one.receive(headers, inner) : inner()),
      work,
    )
    return run()
  }

  begin(step: Step): Watch {
    const watches = this.#all.map((one, index) => {
      if (!('of' in step)) return one.begin(step)
      // All of them began here.
      const of = step.of.map((watch) => (watch as JointWatch).watches[index]!)
      return one.begin({ ...step, of })
    })
    return new JointWatch(watches)
  }

  answered(kind: string, commands: number, answer: FlushAnswer): void {
    for (const one of this.#all) one.answered?.(kind, commands, answer)
  }

  told(lagMs: number): void {
    for (const one of this.#all) one.told?.(lagMs)
  }

  refused(code: string): void {
    for (const one of this.#all) one.refused?.(code)
  }

  limited(limit: LimitName): void {
    for (const one of this.#all) one.limited?.(limit)
  }
}

class JointWatch implements Watch {
  readonly watches: readonly Watch[]

  constructor(watches: readonly Watch[]) {
    this.watches = watches
  }

  run<Result>(work: () => Result): Result {
    return this.watches.reduceRight<() => Result>((inner, watch) => () => watch.run(inner), work)()
  }

  end(result: string): void {
    for (const watch of this.watches) watch.end(result)
  }
}
