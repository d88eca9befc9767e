import { compileKeyPattern, FlushoutError } from '@flushout/core'
import { defaultEnvironment, type Environment } from '../environment.ts'
import type { Notice } from '../hints.ts'
import { createSteadyClock } from '../live/steady-clock.ts'
import { silentLog, type Log } from '../log.ts'
import type { Cursors } from './cursors.ts'
import type { FollowModelsOptions, ModelFollower } from './follower-options.ts'
import { KeyQueue } from './key-queue.ts'
import { Lease } from './lease.ts'
import { cursorAfter, readChange } from './read-change.ts'

/** How many models may wait to be looked at, and how many may pause because they failed. */
const ROOM = 1000
const PAGE = 200

/**
 * One process of a follower. While the name is its own it looks for models that are
 * not where their cursor is, hears of some by hints, and leads each on step by step.
 */
export class Follower implements ModelFollower {
  readonly #options: FollowModelsOptions
  readonly #environment: Environment
  readonly #log: Log
  readonly #cursors: Cursors
  readonly #queue: KeyQueue
  readonly #fits: (key: string) => boolean
  readonly #running: Promise<void>
  #lease: Lease | undefined
  #isClosed = false
  // Looks are numbered: how many have begun, and the last after which all that was
  // behind is in the queue, or nothing was.
  #begun = 0
  #completed = 0
  #isAskedToLook = false
  #endPause: () => void = () => {}
  #listeners: (() => void)[] = []

  constructor(options: FollowModelsOptions) {
    const { store, name, patterns, atOnce = 4 } = options
    this.#options = options
    this.#environment = options.environment ?? defaultEnvironment
    this.#log = options.log ?? silentLog
    this.#cursors = store.cursors(name)
    const fits = patterns.map(compileKeyPattern)
    this.#fits = (key) => fits.some((fit) => fit(key))
    this.#queue = new KeyQueue({
      atOnce,
      room: ROOM,
      work: (key) => this.#step(key),
      onStep: () => this.#tell(),
      onDropped: () => void (this.#completed = 0),
      onError: (key, error) => this.#fail(error, key),
      environment: this.#environment,
    })
    this.#running = this.#run()
  }

  async caughtUp(): Promise<void> {
    const wanted = this.#begun + 1
    this.#lookSoon()
    while (this.#completed < wanted || !this.#queue.isIdle) {
      if (this.#isClosed) throw new FlushoutError('CLIENT_CLOSED', 'The follower was closed.')
      await this.#next()
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#queue.close()
    this.#endPause()
    this.#tell()
    await this.#running
  }

  async #run(): Promise<void> {
    await this.#prepare()
    const lease = this.#claim()
    this.#lease = lease
    const stopListening = this.#options.store.hints().listen((notice) => this.#hear(notice))
    while (!this.#isClosed) {
      await this.#look()
      await this.#pause()
    }
    stopListening()
    while (this.#queue.isWorking) await this.#next()
    await lease.close()
  }

  async #prepare(): Promise<void> {
    while (!this.#isClosed) {
      try {
        return await this.#options.store.migrate()
      } catch (error) {
        this.#fail(error)
      }
      // Whoever asked has to wait like everybody.
      this.#isAskedToLook = false
      await this.#pause()
    }
  }

  #claim(): Lease {
    return new Lease({
      cursors: this.#cursors,
      leaseMs: this.#options.leaseMs ?? 15_000,
      now: createSteadyClock(this.#environment.now),
      environment: this.#environment,
      onGained: () => this.#lookSoon(),
      onError: (error) => this.#fail(error),
    })
  }

  /** Find the models that are not where their cursor is. */
  async #look(): Promise<void> {
    this.#begun += 1
    const number = this.#begun
    this.#isAskedToLook = false
    try {
      const isAllFound = this.#lease?.isHeld ? await this.#findAll() : await this.#isNothingBehind()
      if (isAllFound) this.#completed = number
    } catch (error) {
      this.#fail(error)
    }
    this.#tell()
  }

  /** Put what is behind into the queue. False if that came to an end before its time. */
  async #findAll(): Promise<boolean> {
    for (const pattern of this.#options.patterns) {
      for (let after = ''; ;) {
        const page = await this.#cursors.behind({ pattern, after, limit: PAGE })
        for (const { key } of page) {
          while (!this.#queue.hasRoom && !this.#isClosed) await this.#next()
          if (!this.#lease?.isHeld) return false
          this.#queue.add(key)
        }
        if (page.length < PAGE) break
        after = page.at(-1)!.key
      }
    }
    return true
  }

  async #isNothingBehind(): Promise<boolean> {
    for (const pattern of this.#options.patterns) {
      const page = await this.#cursors.behind({ pattern, after: '', limit: 1 })
      if (page.length > 0) return false
    }
    return true
  }

  #hear(notice: Notice): void {
    const isChange = notice.kind === 'head' || notice.kind === 'model'
    // Who has no room finds it at the next look.
    if (isChange && this.#lease?.isHeld && this.#fits(notice.key)) this.#queue.add(notice.key)
  }

  /** Tell the next change of a model. True if there may be more. */
  async #step(key: string): Promise<boolean> {
    const model = await this.#cursors.read(key)
    const change = await readChange(this.#options.store, model, this.#options.begin ?? 'oldest')
    if (!change) return false
    if (!this.#lease?.isHeld) {
      // What was found is for another process now.
      this.#completed = 0
      return false
    }
    await this.#options.onChange(change)
    const cursor = cursorAfter(change)
    await this.#cursors.move(key, model.cursor, cursor)
    return cursor?.hash !== model.head?.hash
  }

  #lookSoon(): void {
    this.#isAskedToLook = true
    this.#endPause()
  }

  async #pause(): Promise<void> {
    if (this.#isClosed || this.#isAskedToLook) return
    await new Promise<void>((resolve) => {
      const stop = this.#environment.setTimer(resolve, this.#options.pollMs ?? 2000)
      this.#endPause = () => {
        stop()
        resolve()
      }
    })
  }

  /** Resolves at the next step of the queue, after the next look, or at the end. */
  #next(): Promise<void> {
    return new Promise((resolve) => this.#listeners.push(resolve))
  }

  #tell(): void {
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }

  #fail(error: unknown, model?: string): void {
    const details = { err: error, follower: this.#options.name, ...(model && { model }) }
    this.#log.error(details, 'following failed, and is tried again')
  }
}
