import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { runOn } from './postgres.ts'

/** What a database held at one moment. */
export interface Backup {
  readonly name: string
}

/**
 * A database that can be put back to what it held before, under the feet of
 * whoever uses it: their connections break, and the next ones find the past.
 */
export class RewindableDatabase implements AsyncDisposable {
  readonly url: string
  readonly #name: string
  readonly #admin: pg.Client
  readonly #backups: string[] = []

  private constructor(url: string, name: string, admin: pg.Client) {
    this.url = url
    this.#name = name
    this.#admin = admin
  }

  /** Make an empty one on the server of `serverUrl`. */
  static async create(serverUrl: string): Promise<RewindableDatabase> {
    const admin = new pg.Client({ connectionString: serverUrl })
    await admin.connect()
    const name = `flushout_${randomBytes(6).toString('hex')}`
    await admin.query(`create database ${name}`)
    const url = new URL(serverUrl)
    url.pathname = `/${name}`
    return new RewindableDatabase(url.href, name, admin)
  }

  /** Keep what the database holds now. */
  async save(): Promise<Backup> {
    const name = `${this.#name}_${this.#backups.length}`
    this.#backups.push(name)
    await this.#withoutUsers(() =>
      this.#admin.query(`create database ${name} template ${this.#name}`),
    )
    return { name }
  }

  /** Put the database back to what it held then. */
  async restore({ name }: Backup): Promise<void> {
    const aside = `${this.#name}_aside`
    await this.#withoutUsers(() =>
      this.#admin.query(`alter database ${this.#name} rename to ${aside}`),
    )
    await this.#admin.query(`create database ${this.#name} template ${name}`)
    await this.#admin.query(`drop database ${aside} with (force)`)
  }

  /** Run a statement on what the database holds. */
  query(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return runOn(this.url, text, values)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [this.#name, ...this.#backups]) {
      await this.#admin.query(`drop database if exists ${name} with (force)`)
    }
    await this.#admin.end()
  }

  /** Postgres copies and renames only what nobody is connected to. */
  async #withoutUsers(change: () => Promise<unknown>): Promise<void> {
    await this.#admin.query(`alter database ${this.#name} allow_connections false`)
    await this.#admin.query(
      'select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1',
      [this.#name],
    )
    await change()
    await this.#admin
      .query(`alter database ${this.#name} allow_connections true`)
      // It has another name now.
      .catch(() => {})
  }
}
