// One model in one process. Requests that wait are served together:
//
//   take a group ──► stage all of it ──► commit ──► answer all of it
//        ▲               │  ▲              │
//        │   refused, but the model        ├─ conflict: take back, catch up,
//        │   was not proved current:       │  stage again, from now on under
//        │   catch up, stage again         │  the row lock
//        │                                 └─ unknown outcome: throw the model
//        └────────────── next group           away, load, stage again; what had
//                                             landed answers as `repeated`
//
// The store is the truth. Nothing in memory becomes visible before its commit,
// and nobody is refused by a model that was not proved current.
import {
  FlushoutError,
  isFlushoutError,
  type Flush,
  type FlushAnswer,
  type FlushContext,
  type LogEntry,
  type User,
} from '@flushout/core'
import type { Environment } from './environment.ts'
import {
  clientsOf,
  countsOf,
  Defect,
  expectedOf,
  needsProof,
  stageAll,
  takeGroup,
  watchesOf,
  type FlushWork,
  type Staged,
  type Work,
} from './group.ts'
import type { HotModel, Use } from './hot-model.ts'
import type { CommitterLane } from './lane.ts'
import type { Log } from './log.ts'
import { watched, type Observer, type Watch } from './observe.ts'
import type { Head, ModelStore, News, Outcome, StoredModel, Write } from './store.ts'

/** How often a store may fail for one group before its callers are told. */
const MAX_FAULTS = 3
/** How often a model is made that is gone again when it is looked for. */
const MAX_CREATES = 2

/** What a runner needs from the service around it. */
export interface RunnerOptions<U extends User = User> {
  readonly store: ModelStore
  readonly lane: CommitterLane
  readonly environment: Environment
  readonly log: Log
  readonly observer: Observer | undefined
  readonly maxWaiting: number
  readonly maxAttempts: number
  /** Hears that there is a new checkpoint: some history may go. */
  readonly onCheckpoint: () => void
  /** Make a model of what was stored. */
  readonly wake: (stored: StoredModel) => HotModel<U>
  /** Make the model in the store, if it may come into being by itself. */
  readonly create: () => Promise<boolean>
  /** Hears when the runner served somebody: its weight may be another. */
  readonly onServed: () => void
  /** Hears how far the model is known to be, in order, before anybody is answered. */
  readonly onAdvance: (advance: Advance) => void
}

/** What the store is known to hold more of a model than before. */
export interface Advance {
  /** Where the entries begin; undefined where the model was just loaded. */
  readonly base: Head | undefined
  readonly entries: readonly LogEntry[]
  readonly head: Head
  /** Whether it was written here, and not found in the store. */
  readonly isOwn: boolean
}

/** Serves one model: one group of requests after the other, each in one commit. */
export class ModelRunner<U extends User = User> {
  readonly key: string
  readonly #options: RunnerOptions<U>
  readonly #queue: Work<U>[] = []
  #model: HotModel<U> | undefined
  #running: Promise<void> | undefined
  // Others write too: take the row lock at once, until nobody is met there.
  #isContended = false

  constructor(key: string, options: RunnerOptions<U>) {
    this.key = key
    this.#options = options
  }

  /** Whether nobody waits for an answer. */
  get isIdle(): boolean {
    return this.#running === undefined
  }

  /** About how many characters its model takes in memory. */
  get weight(): number {
    return this.#model?.weight ?? 0
  }

  /** Apply a flush and store it. Rejects with a `FlushoutError`. */
  flush(flush: Flush, context: FlushContext<U>, watch?: Watch): Promise<FlushAnswer> {
    return new Promise((resolve, reject) => {
      this.#add({ kind: 'flush', flush, context, watch, resolve, reject })
    })
  }

  /** Read from the model as it is now in the store. */
  read<Result>(read: (model: HotModel<U>) => Result, from?: number): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#add({ kind: 'read', from, read: (model) => resolve(read(model)), reject })
    })
  }

  /** Settles when everybody who waits now has an answer. */
  async settled(): Promise<void> {
    await this.#running
  }

  /**
   * Let the model go from memory, its document written first so that the next
   * load is short. Only while idle; requests that come meanwhile wait.
   */
  retire(): Promise<void> {
    const model = this.#model
    this.#running = this.#retire(model).finally(() => this.#rest())
    return this.#running
  }

  async #retire(model: HotModel<U> | undefined): Promise<void> {
    this.#model = undefined
    if (!model?.hasTail) return
    try {
      await this.#options.lane.commit(model.checkpoint())
      this.#options.onCheckpoint()
    } catch (error) {
      // The history has all of it; only the next load is longer.
      this.#options.log.debug({ err: error, model: this.key }, 'checkpoint failed')
    }
  }

  #add(work: Work<U>): void {
    const { maxWaiting } = this.#options
    if (this.#queue.length >= maxWaiting) {
      return work.reject(this.#busy('Too many requests wait for it.'))
    }
    this.#queue.push(work)
    if (this.isIdle) this.#start()
  }

  #start(): void {
    this.#running = this.#run().finally(() => this.#rest())
  }

  #rest(): void {
    this.#running = undefined
    // Somebody may have come since the last group was answered.
    if (this.#queue.length > 0) this.#start()
    else this.#options.onServed()
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#gather()
      await this.#serve(takeGroup(this.#queue))
      if (this.#queue.length > 0) this.#options.onServed()
    }
  }

  /**
   * Let those come who have arrived already or were answered just now, and ask again
   * at once: else half of them would miss each group, and wait for two commits.
   */
  #gather(): Promise<void> {
    return new Promise((resolve) => this.#options.environment.defer(resolve))
  }

  /** Answer everybody in the group, whatever happens. */
  async #serve(group: Work<U>[]): Promise<void> {
    let faults = 0
    let isLost = this.#isContended
    for (let attempt = 1; attempt <= this.#options.maxAttempts; attempt += 1) {
      if (attempt > 2) await this.#pause(attempt)
      try {
        if (await this.#attempt(group, isLost)) return
        isLost = true
        this.#isContended = true
      } catch (error) {
        this.#model = undefined
        if (error instanceof Defect) {
          group = this.#dismiss(group, error as Defect<U>)
          if (group.length === 0) return
          continue
        }
        if (isFlushoutError(error)) return rejectAll(group, error)
        faults += 1
        this.#options.log.error({ err: error, model: this.key, faults }, 'the store failed')
        if (error instanceof Unreadable || faults === MAX_FAULTS) {
          return rejectAll(group, this.#unavailable(error))
        }
        // One of them may be what the store cannot bear: it fails alone.
        if (faults > 1 && group.length > 1) {
          for (const work of group) await this.#serve([work])
          return
        }
      }
    }
    rejectAll(group, this.#busy('Other writers were faster each time.'))
  }

  /** One try. False if another writer was first. Throws if the store failed. */
  async #attempt(group: readonly Work<U>[], underLock: boolean): Promise<boolean> {
    const clientIds = clientsOf(group)
    let isProved = this.#model === undefined
    const model = (this.#model ??= await this.#load(clientIds))
    if (!isProved && !underLock && needsProof(group, model)) {
      if (!(await this.#catchUp(model, clientIds))) return this.#attempt(group, false)
      isProved = true
    }
    await this.#reachBack(model, group)
    if (underLock) return this.#commitUnderLock(model, group, clientIds)

    const staged = this.#stage(model, group)
    const write = model.write()
    const mayBeStale = staged.some(({ refusal }) => refusal) || !write
    if (mayBeStale && !isProved) {
      model.rollback()
      // Current from here on, or thrown away: there is no third time.
      if (await this.#catchUp(model, clientIds)) return this.#finish(model, group)
      return this.#attempt(group, false)
    }
    return this.#commit(model, group, staged, write)
  }

  /** Apply in memory what a group wants, once the document is of the version of its kind. */
  #stage(model: HotModel<U>, group: readonly Work<U>[]): Staged<U>[] {
    try {
      model.migrate(this.#options.environment.now())
    } catch (error) {
      this.#options.log.error({ err: error, model: this.key }, 'the document could not be migrated')
      const message = 'The model cannot be brought to its version.'
      throw new FlushoutError('INTERNAL', message, { cause: error })
    }
    return stageAll(model, group)
  }

  /** Stage on a model that was proved current just now, and commit. */
  #finish(model: HotModel<U>, group: readonly Work<U>[]): Promise<boolean> {
    return this.#commit(model, group, this.#stage(model, group), model.write())
  }

  async #commit(
    model: HotModel<U>,
    group: readonly Work<U>[],
    staged: readonly Staged<U>[],
    write: Write | undefined,
  ): Promise<boolean> {
    if (write) {
      const watch = this.#watchCommit(group)
      const commit = () => this.#options.lane.commit(write, watch)
      const outcome = await watched(watch, commit, nameOf)
      if (outcome === 'conflict') {
        model.rollback()
        return false
      }
    }
    await this.#settle(model, group, staged, write)
    return true
  }

  async #commitUnderLock(
    model: HotModel<U>,
    group: readonly Work<U>[],
    clientIds: readonly string[],
  ): Promise<boolean> {
    let staged: readonly Staged<U>[] | undefined
    let write: Write | undefined
    let followed: Advance | undefined
    const exclusively = () =>
      // Everything in the callback is in memory: the row lock is held.
      this.#options.store.exclusively(this.key, model.head, clientIds, (news) => {
        followed = news && this.#follow(model, news)
        if (!news || !followed) return undefined
        this.#isContended = news.entries!.length > 0
        staged = this.#stage(model, group)
        write = model.write()
        return write
      })
    const outcome: Outcome = await watched(this.#watchCommit(group), exclusively, nameOf)
    // Not before: the row lock was held.
    if (followed) this.#options.onAdvance(followed)
    if (!staged) {
      // Not the history that was in memory.
      this.#model = undefined
      return false
    }
    if (write && outcome === 'conflict') {
      model.rollback()
      return false
    }
    await this.#settle(model, group, staged, write)
    return true
  }

  #watchCommit(group: readonly Work<U>[]): Watch | undefined {
    const { observer } = this.#options
    if (!observer) return undefined
    const of = watchesOf(group)
    return of.length > 0 ? observer.begin({ name: 'commit', key: this.key, of }) : undefined
  }

  /** It is stored: tell everybody. */
  async #settle(
    model: HotModel<U>,
    group: readonly Work<U>[],
    staged: readonly Staged<U>[],
    write: Write | undefined,
  ): Promise<void> {
    if (write) {
      model.committed(write)
      const { read: base, entries, head } = write
      this.#options.onAdvance({ base, entries, head, isOwn: true })
    }
    for (const { work, answer, refusal } of staged) {
      if (answer) work.resolve(answer)
      else this.#refuse(work, refusal!)
    }
    for (const work of group) {
      if (work.kind === 'flush') continue
      try {
        work.read(model)
      } catch (error) {
        work.reject(error)
      }
    }
    if (write?.checkpoint !== undefined) this.#options.onCheckpoint()
  }

  #refuse({ flush, reject }: FlushWork<U>, refusal: FlushoutError): void {
    if (refusal.code === 'HISTORY_CHANGED') {
      const { clientId, from } = flush
      const found = 'a client holds a history that is not here: was the database put back?'
      // Not as an error: any client can say so.
      this.#options.log.info({ model: this.key, clientId, from }, found)
    }
    reject(refusal)
  }

  async #load(clientIds: readonly string[]): Promise<HotModel<U>> {
    const { store, create, wake } = this.#options
    const load = async () => {
      for (let creates = 0; creates <= MAX_CREATES; creates += 1) {
        const stored = await store.load(this.key, clientIds)
        if (stored || !(await create())) return stored
      }
      // Not a model that is not there: to say so would throw its edits away.
      throw new Error('The model is deleted as fast as it is made.')
    }
    const stored = await reading(load)
    if (!stored) throw new FlushoutError('MODEL_NOT_FOUND', 'There is no such model.')
    try {
      const model = wake(stored)
      this.#options.onAdvance({ base: undefined, entries: [], head: stored.head, isOwn: false })
      return model
    } catch (error) {
      this.#options.log.error({ err: error, model: this.key }, 'the stored history does not apply')
      throw new FlushoutError('INTERNAL', 'The model cannot be read.', { cause: error })
    }
  }

  /** Bring the model up to date. False if it had to be thrown away. */
  async #catchUp(model: HotModel<U>, clientIds: readonly string[]): Promise<boolean> {
    const news = await reading(() => this.#options.store.news(this.key, model.head, clientIds))
    const followed = news && this.#follow(model, news)
    if (followed) {
      this.#options.onAdvance(followed)
      return true
    }
    this.#options.log.info(
      { model: this.key },
      'the history is not the one in memory: loading it again',
    )
    this.#model = undefined
    return false
  }

  /** Take in what others wrote; undefined if that is not the same history any more. */
  #follow(model: HotModel<U>, news: News): Advance | undefined {
    const base = model.head
    if (!model.follow(news)) return undefined
    return { base, entries: news.entries!, head: news.head, isOwn: false }
  }

  /** Load history for those who are further behind than memory reaches. */
  async #reachBack(model: HotModel<U>, group: readonly Work<U>[]): Promise<void> {
    const { store } = this.#options
    // Before the answers, whose part of the history may be shorter.
    await this.#reachTo(model, expectedOf(group), 'proof')
    await this.#reachTo(model, countsOf(group), 'answer')
    // Who gets no updates must share the past all the same.
    const counts = countsOf(group)
    const unknown = model.unknown(counts)
    const hashes = unknown.length > 0 ? await reading(() => store.hashes(this.key, unknown)) : []
    model.recall(counts, new Map(unknown.map((count, index) => [count, hashes[index]])))
  }

  async #reachTo(model: HotModel<U>, counts: readonly number[], use: Use): Promise<void> {
    // The nearest first: who is too far back must not stand in the others' way.
    for (const count of counts.toSorted((a, b) => b - a)) {
      const missing = model.missingSince(count, use)
      if (!missing) continue
      const { from, to, maxBytes } = missing
      const read = () => this.#options.store.history(this.key, from, to, maxBytes)
      model.reachBack(await reading(read), count, use)
    }
  }

  #dismiss(group: readonly Work<U>[], { work, cause }: Defect<U>): Work<U>[] {
    this.#options.log.error({ err: cause, model: this.key }, 'a flush could not be applied')
    work.reject(new FlushoutError('INTERNAL', 'The flush could not be applied.', { cause }))
    return group.filter((other) => other !== work)
  }

  #busy(why: string): FlushoutError {
    return new FlushoutError('BUSY', `The model is busy. ${why}`, {
      retryAfterMs: this.#jitter(1000),
    })
  }

  #unavailable(cause: unknown): FlushoutError {
    const message = 'The store cannot be reached now.'
    return new FlushoutError('UNAVAILABLE', message, { cause, retryAfterMs: this.#jitter(2000) })
  }

  #jitter(maxMs: number): number {
    return Math.ceil(maxMs / 4 + this.#options.environment.random() * maxMs * 0.75)
  }

  #pause(attempt: number): Promise<void> {
    const { random, setTimer } = this.#options.environment
    return new Promise((resolve) => setTimer(resolve, random() * Math.min(200, 2 ** attempt)))
  }
}

/** The store failed before anything was written. */
class Unreadable extends Error {
  constructor(cause: unknown) {
    super('The store cannot be read.', { cause })
  }
}

async function reading<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (error) {
    throw isFlushoutError(error) ? error : new Unreadable(error)
  }
}

function nameOf(outcome: Outcome): string {
  return outcome === 'conflict' ? 'conflict' : 'stored'
}

function rejectAll<U extends User>(group: readonly Work<U>[], error: FlushoutError): void {
  for (const work of group) work.reject(error)
}
