import { createDatabase } from '../../../test/support/postgres.ts'
import { Child } from '../harness/child.ts'
import { summarize, type Rate, type Round } from '../harness/rates.ts'
import type { MeasuredPostgres } from '../server/postgres.ts'
import type { LoadApi } from './load-main.ts'
import type { ServerApi, ServerName } from './server-main.ts'
import type { Task } from './tasks.ts'

/** A server, and what is sent to it. */
export interface Pairing {
  readonly name: string
  readonly server: ServerName
  readonly task: Task
  /** Stores nothing: what was sent cannot be looked for afterwards. */
  readonly isEcho?: boolean
}

/** A server and its load, each in a process of its own; the server has a database of its own. */
export class Contender {
  readonly #pairing: Pairing
  readonly #postgres: MeasuredPostgres
  readonly #server = new Child<ServerApi>(new URL('server-main.ts', import.meta.url))
  readonly #load = new Child<LoadApi>(new URL('load-main.ts', import.meta.url))
  readonly #rounds: Round[] = []

  constructor(pairing: Pairing, postgres: MeasuredPostgres) {
    this.#pairing = pairing
    this.#postgres = postgres
  }

  get name(): string {
    return this.#pairing.name
  }

  /** Which of the tasks it has. */
  get place(): string {
    return `${this.#pairing.task.models} models`
  }

  /** Begin to serve, and connect those who write. */
  async open(): Promise<void> {
    const { server, task } = this.#pairing
    const { url } = await createDatabase(this.#postgres.url)
    const port = await this.#server.call('listen', server, url)
    await this.#load.call('open', server === 'sharedb' ? 'sharedb' : 'http', port, task)
  }

  /** Let them write for a while, before anything is measured. */
  async warmUp(forMs: number): Promise<void> {
    await this.#load.call('drive', forMs)
  }

  /** Let them write for a while; what is spent is in microseconds of processors. */
  async measure(forMs: number): Promise<void> {
    const before = await this.#readCpu()
    const round = await this.#load.call('drive', forMs)
    const after = await this.#readCpu()
    const each = (name: 'server' | 'postgres') => (after[name] - before[name]) / round.times.length
    const spent = { ...round.spent, server: each('server'), postgres: each('postgres') }
    this.#rounds.push({ ...round, spent })
  }

  /** Record what the server does while they write. */
  async profile(forMs: number, file: string): Promise<void> {
    await this.#server.call('startProfile')
    await this.#load.call('drive', forMs)
    await this.#server.call('stopProfile', file)
  }

  /** What all rounds showed. Rejects unless what was sent is what is stored. */
  async finish(): Promise<Rate> {
    if (!this.#pairing.isEcho) await this.#load.call('check')
    return summarize(this.#rounds)
  }

  async close(): Promise<void> {
    await Promise.all([this.#load.kill(), this.#server.kill()])
  }

  async #readCpu(): Promise<{ server: number; postgres: number }> {
    return { server: await this.#server.call('readCpu'), postgres: this.#postgres.readCpu() }
  }
}
