import type { JsonValue } from '@flushout/core'
import { notify } from '../notify.ts'
import type { TabEnvironment, TabLine } from './tab-environment.ts'

export interface TabLifeOptions {
  /** What the sessions have in common: only those of one name know of each other. */
  readonly name: string
  /** Of this session; no other has it, ever. */
  readonly id: string
  /** Undefined where tabs cannot find each other. */
  readonly tabs: TabEnvironment | undefined
}

/**
 * The life of this session, as the others see it, and theirs. A session lives for
 * as long as it holds the lock of its id, which a browser takes from pages that
 * close, crash or are thrown out.
 */
export class TabLife {
  readonly id: string
  /** Resolves when the others can tell that this session lives. Name it to nobody before. */
  readonly ready: Promise<void>
  readonly #options: TabLifeOptions
  readonly #listeners = new Set<(message: JsonValue) => void>()
  readonly #watches = new Set<() => void>()
  #release = () => {}
  #line: TabLine | undefined

  constructor(options: TabLifeOptions) {
    const { name, id, tabs } = options
    this.#options = options
    this.id = id
    this.ready = new Promise((resolve) => {
      if (tabs) this.#release = tabs.hold(sessionLock(name, id), resolve)
      else resolve()
    })
  }

  /** Whether the session `id` lives; undefined where nobody can tell. */
  async isAlive(id: string): Promise<boolean | undefined> {
    if (id === this.id) return true
    const { name, tabs } = this.#options
    return tabs?.isHeld(sessionLock(name, id))
  }

  /** Call `listener` once when the session `id` is dead, be it now, until the returned function is called. */
  onDeath(id: string, listener: () => void): () => void {
    const { name, tabs } = this.#options
    if (!tabs) return () => {}
    const release = tabs.hold(sessionLock(name, id), () => {
      stop()
      notify(listener)
    })
    const stop = () => {
      this.#watches.delete(stop)
      release()
    }
    this.#watches.add(stop)
    return stop
  }

  /** Tell all other sessions something. Those that are not there yet never hear it. */
  tell(message: JsonValue): void {
    this.#join()?.say(message)
  }

  /** Hear what other sessions tell, until the returned function is called. */
  subscribe(listener: (message: JsonValue) => void): () => void {
    const own = (message: JsonValue) => notify(listener, message)
    this.#listeners.add(own)
    this.#join()
    return () => void this.#listeners.delete(own)
  }

  /** End it: to the others this session is dead. */
  close(): void {
    this.#listeners.clear()
    for (const stop of this.#watches) stop()
    this.#line?.leave()
    this.#line = undefined
    this.#release()
  }

  #join(): TabLine | undefined {
    const { name, tabs } = this.#options
    return (this.#line ??= tabs?.join(`flushout board ${name}`, (message) => {
      for (const listener of this.#listeners) listener(message as JsonValue)
    }))
  }
}

/** The lock that the session `id` holds while it lives. */
export function sessionLock(name: string, id: string): string {
  return `flushout session ${name} ${id}`
}
