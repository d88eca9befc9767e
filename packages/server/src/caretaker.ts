// What has to be done for models now and then, and nobody waits for:
//
//   a checkpoint was written ──► tidy that model
//   the sweep ── page by page ──► tidy all models, idle ones too; then a pause
//
// All servers do so. A step that another was faster with finds nothing to do.
import { Chores } from './chores.ts'
import type { Environment } from './environment.ts'
import type { Log } from './log.ts'
import { toTrimRange, type ClientRetention, type Retention } from './retention.ts'
import type { ModelStore } from './store.ts'

/** What a caretaker needs from the service around it. */
export interface CaretakerOptions {
  readonly store: ModelStore
  readonly environment: Environment
  readonly log: Log
  /** Characters of history between two checkpoints that are kept. */
  readonly keepBytes: number
  readonly clients: ClientRetention
  /** How much history a model keeps; undefined where it is no model of this service. */
  readonly retentionOf: (key: string) => Retention | undefined
  /** Write a checkpoint of a model that nobody uses now. */
  readonly settle: (key: string) => Promise<void>
}

/** Models that the sweep looks at in one go, and the pause after that. */
const PAGE = 100
const PAGE_MS = 10_000
/** From the end of a sweep to the next. */
const PAUSE_MS = 3_600_000
/** Client rows that one step takes away. */
const CLIENT_STEP = 500

/** Keeps what is stored of models as small as it was asked for. */
export class Caretaker {
  readonly #options: CaretakerOptions
  readonly #chores = new Chores()
  #stopTimer: (() => void) | undefined
  #isEnded = false
  // Where the next page of the sweep begins.
  #after = ''

  constructor(options: CaretakerOptions) {
    this.#options = options
    // Servers that were started together do not sweep together.
    this.#sweepIn(PAGE_MS * (1 + options.environment.random()))
  }

  /** There is a new checkpoint. Must not keep the model in memory. */
  tidy(key: string): void {
    this.#chores.add(key, () => this.#tidy(key, false))
  }

  /** Begin nothing more; resolves when all that was begun is done. */
  async end(): Promise<void> {
    this.#isEnded = true
    this.#stopTimer?.()
    await this.#chores.done()
  }

  #sweepIn(delayMs: number): void {
    const { setTimer } = this.#options.environment
    this.#stopTimer = setTimer(() => void this.#sweep(), delayMs, true)
  }

  async #sweep(): Promise<void> {
    let isLast = false
    try {
      const range = { prefix: '', after: this.#after, limit: PAGE }
      const models = await this.#options.store.list(range)
      for (const { key } of models) this.#chores.add(key, () => this.#tidy(key, true))
      isLast = models.length < PAGE
      this.#after = isLast ? '' : models.at(-1)!.key
    } catch (error) {
      this.#options.log.error({ err: error }, 'the sweep failed')
    }
    // The next page waits for this one to be done.
    await this.#chores.done()
    if (!this.#isEnded) this.#sweepIn(isLast ? PAUSE_MS : PAGE_MS)
  }

  /** Take one step for a model, and leave the next ones for later. */
  async #tidy(key: string, isSweep: boolean): Promise<void> {
    try {
      if (await this.#step(key, isSweep)) this.#chores.add(key, () => this.#tidy(key, isSweep))
    } catch (error) {
      // The next checkpoint or sweep tries again.
      this.#options.log.error({ err: error, model: key }, 'tidying a model failed')
    }
  }

  /** Tell whether there is more to do. */
  async #step(key: string, isSweep: boolean): Promise<boolean> {
    const { store, environment, retentionOf, clients, keepBytes, settle } = this.#options
    const retention = retentionOf(key)
    if (retention === undefined) return false
    const now = environment.now()
    const range = toTrimRange(retention, now)
    const trimmed = range ? await store.trim(key, range) : 'done'
    await store.keepCheckpoint(key, keepBytes)
    const isForgetting = clients !== 'all' && isSweep
    const forgotten = isForgetting
      ? await store.forgetClients(key, { before: now - clients.forMs, limit: CLIENT_STEP })
      : 'done'
    if (this.#isEnded) return false
    if (trimmed === 'held' && isSweep) await settle(key)
    return trimmed === 'more' || forgotten === 'more'
  }
}
