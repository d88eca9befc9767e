import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../examples/todo/src/server/embedded-postgres.ts'
import { until } from './until.ts'

/** A setting of postgresql.conf, as `{ synchronous_commit: 'off' }`. */
export type PostgresSettings = Readonly<Record<string, string | number>>

/**
 * A Postgres with fsync on that can be killed and comes back at the same address
 * with the same data. `stop` leaves nothing behind, whatever state it is in.
 */
export class KillablePostgres {
  readonly #folder: string
  #settings: PostgresSettings
  #running: EmbeddedPostgres | undefined
  #starting: Promise<unknown> | undefined
  #isOver = false
  #url = ''

  private constructor(folder: string, settings: PostgresSettings) {
    this.#folder = folder
    this.#settings = settings
  }

  static async start(settings: PostgresSettings = {}): Promise<KillablePostgres> {
    const folder = await mkdtemp(join(tmpdir(), 'flushout-crash-'))
    const postgres = new KillablePostgres(folder, { fsync: 'on', ...settings })
    try {
      await postgres.#start()
    } catch (error) {
      await postgres.stop()
      throw error
    }
    return postgres
  }

  /** Stays the same over all restarts. */
  get url(): string {
    return this.#url
  }

  /** End the postmaster by SIGKILL. What it started ends by itself, as soon as it notices. */
  async kill(): Promise<void> {
    const lines = await readFile(join(this.#folder, 'postgres', 'postmaster.pid'), 'utf8')
    this.#running = undefined
    process.kill(Number(lines.split('\n')[0]), 'SIGKILL')
  }

  /** Start again after `kill`, and recover. */
  async restart(): Promise<void> {
    // Refused as long as a process of the one before holds on to its memory.
    let refusal: unknown
    const start = () =>
      this.#start().then(
        () => true,
        (error: unknown) => void (refusal = error),
      )
    await until('Postgres starts again', () => this.#isOver || start()).catch((error: Error) => {
      error.cause = refusal
      throw error
    })
  }

  /** Stop for good, also while somebody starts it. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#starting?.catch(() => {})
    try {
      await this.#running?.stop()
    } finally {
      this.#running = undefined
      await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 })
    }
  }

  async #start(): Promise<void> {
    const starting = startEmbeddedPostgres(this.#folder, this.#settings)
    this.#starting = starting
    this.#running = await starting
    this.#url = this.#running.connectionString
    this.#settings = { ...this.#settings, port: new URL(this.#url).port }
  }
}
