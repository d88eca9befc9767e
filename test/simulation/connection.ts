import type { Hints, ModelStore, Outcome, Write } from '@flushout/server'
import type { Chronicle } from './chronicle.ts'
import type { Database } from './database.ts'
import type { Dice } from './dice.ts'
import type { Scheduler } from './scheduler.ts'
import { show } from './violation.ts'
import type { Weather } from './weather.ts'

/** The time between a start of a server and its end. */
export interface Life {
  readonly isOver: boolean
  /** Run something as soon as the server does anything; never after its end. */
  run(callback: () => void): void
  die(why: string): void
}

export interface ConnectionOptions {
  readonly database: Database
  readonly chronicle: Chronicle
  readonly scheduler: Scheduler
  readonly weather: Weather
  readonly dice: Dice
  readonly life: Life
  readonly isDatabaseDown: () => boolean
  /** The way to the other servers. */
  readonly hints: () => Hints
  readonly trace: (line: string) => void
  /** Hears how long a statement is under way that is slow, or for which nobody waits. */
  readonly strays: (wayMs: number) => void
}

/** The way from one server to the database, with all that can happen on it. */
export class Connection implements ModelStore {
  readonly #options: ConnectionOptions

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  migrate = (): Promise<void> => this.#call(() => this.#store.migrate())
  ping = (): Promise<void> => this.#call(() => this.#store.ping())
  create: ModelStore['create'] = (...args) => this.#call(() => this.#store.create(...args))
  load: ModelStore['load'] = (...args) => this.#call(() => this.#store.load(...args))
  news: ModelStore['news'] = (...args) => this.#call(() => this.#store.news(...args))
  history: ModelStore['history'] = (...args) => this.#call(() => this.#store.history(...args))
  entries: ModelStore['entries'] = (...args) => this.#call(() => this.#store.entries(...args))
  checkpoint: ModelStore['checkpoint'] = (...args) =>
    this.#call(() => this.#store.checkpoint(...args))
  keepCheckpoint: ModelStore['keepCheckpoint'] = (...args) =>
    this.#call(() => this.#store.keepCheckpoint(...args))
  hashes: ModelStore['hashes'] = (...args) => this.#call(() => this.#store.hashes(...args))
  heads: ModelStore['heads'] = (...args) => this.#call(() => this.#store.heads(...args))
  list: ModelStore['list'] = (...args) => this.#call(() => this.#store.list(...args))
  configure: ModelStore['configure'] = (...args) => this.#call(() => this.#store.configure(...args))
  delete: ModelStore['delete'] = (...args) => this.#call(() => this.#store.delete(...args))
  hints: ModelStore['hints'] = () => this.#options.hints()
  cursors: ModelStore['cursors'] = (follower) => {
    const cursors = this.#store.cursors(follower)
    return {
      claim: (...args) => this.#call(() => cursors.claim(...args)),
      behind: (...args) => this.#call(() => cursors.behind(...args)),
      read: (...args) => this.#call(() => cursors.read(...args)),
      move: (...args) => this.#call(() => cursors.move(...args)),
    }
  }
  close = async (): Promise<void> => {}

  trim: ModelStore['trim'] = (...args) =>
    this.#call(async () => {
      const { weather, life, dice } = this.#options
      const dies = weather.strikes('server dies at a trim')
      if (dies && dice.chance(0.5)) {
        life.die('before it trimmed')
        return 'done'
      }
      const trimmed = await this.#store.trim(...args)
      if (dies) life.die('after it trimmed')
      return trimmed
    })

  erase: ModelStore['erase'] = (...args) => this.#call(() => this.#store.erase(...args))

  forgetClients: ModelStore['forgetClients'] = (...args) =>
    this.#call(() => this.#store.forgetClients(...args))

  commit: ModelStore['commit'] = (writes) =>
    this.#write(writes, async () => {
      const { weather, life, scheduler, dice } = this.#options
      if (weather.strikes('race lost')) return writes.map((): Outcome => 'conflict')
      if (weather.strikes('commit lands late')) {
        const late = dice.between(200, 4_000)
        this.#options.strays(late)
        // Nobody hears what came of it.
        const land = () => this.#store.commit(writes).catch(() => {})
        scheduler.after(late, () => void scheduler.stopFor(land()))
        throw new Error('The connection broke, but the statement is on its way.')
      }
      if (weather.strikes('server dies before its commit')) life.die('before its commit')
      if (life.isOver) return []
      const outcomes = await this.#store.commit(writes)
      if (weather.strikes('server dies after its commit')) life.die('after its commit')
      return outcomes
    })

  exclusively: ModelStore['exclusively'] = (key, known, clientIds, stage) => {
    const writes: Write[] = []
    return this.#write(writes, async () => {
      const { weather, life } = this.#options
      if (weather.strikes('race lost')) return 'conflict' as const
      const outcome = await this.#store.exclusively(key, known, clientIds, (news) => {
        const write = stage(news)
        // A transaction that nobody ends is rolled back.
        if (weather.strikes('server dies in a transaction')) life.die('in a transaction')
        if (life.isOver) return undefined
        if (write) writes.push(write)
        return write
      })
      if (weather.strikes('server dies after its commit')) life.die('after its commit')
      return outcome
    })
  }

  get #store(): ModelStore {
    return this.#options.chronicle.store
  }

  /** A call that writes models: its outcome may stay unknown. */
  async #write<Result>(writes: readonly Write[], run: () => Promise<Result>): Promise<Result> {
    const { weather, life, dice, database, chronicle } = this.#options
    return this.#call(async () => {
      const isCheckpoint = writes.some(({ checkpoint }) => checkpoint !== undefined)
      const dies = isCheckpoint && weather.strikes('server dies at a checkpoint')
      if (dies && dice.chance(0.5)) life.die('before it wrote a checkpoint')
      const isUnheard = weather.strikes('commit lands, answer lost')
      if (isUnheard) database.breakAfter(dice.between(0, 5))
      try {
        const result = await run()
        if (!life.isOver) this.#options.trace(`writes ${describe(writes)}: ${show(result)}`)
        if (dies) life.die('after it wrote a checkpoint')
        if (isUnheard) throw new Error('The connection broke before the answer came.')
        return result
      } catch (error) {
        await chronicle.catchUp(writes)
        throw error
      } finally {
        database.breakAfter(Number.POSITIVE_INFINITY)
      }
    })
  }

  /** One call: the way there, the effect at one moment, and the way back. */
  #call<Result>(run: () => Promise<Result>): Promise<Result> {
    const { scheduler, weather, dice, life, isDatabaseDown, trace } = this.#options
    return new Promise((resolve, reject) => {
      if (life.isOver) return
      const isSlow = weather.strikes('statement slow')
      const wayMs = isSlow ? dice.between(100, 1_500) : 0.2 + dice.roll()
      if (isSlow) this.#options.strays(2 * wayMs)
      const back = (tell: () => void) => {
        scheduler.after(wayMs, () => life.run(tell))
      }
      const land = async () => {
        // What was sent by a server that died meanwhile may arrive all the same.
        if (life.isOver && dice.chance(0.5)) return
        if (isDatabaseDown()) return back(() => reject(new Error('The database is down.')))
        if (weather.strikes('statement fails')) {
          return back(() => reject(new Error('The statement was cancelled.')))
        }
        try {
          const result = await scheduler.stopFor(run())
          back(() => resolve(result))
        } catch (error) {
          if (!life.isOver) trace(`hears from the database: ${String(error)}`)
          back(() => reject(error))
        }
      }
      scheduler.after(wayMs, () => void land())
    })
  }
}

function describe(writes: readonly Write[]): string {
  return writes
    .map(({ key, read, head, checkpoint }) => {
      const what = `${key} from ${read.commandCount} to ${head.commandCount}`
      return checkpoint === undefined ? what : `${what} with a checkpoint`
    })
    .join(', ')
}
