import { createClient, httpTransport, type Client } from '@flushout/client'
import type { Snapshot } from '@flushout/core'
import { setTimeout as wait } from 'node:timers/promises'
import { auditDatabase, auditModel, auditServed } from '../support/audit.ts'
import { Ledger } from '../support/ledger.ts'
import { readModels } from '../support/stored-model.ts'
import { until } from '../support/until.ts'
import { SERVERS, type Strike } from './plan.ts'
import { createRandom } from './random.ts'
import { Site } from './site.ts'
import { auditWriters, Writer, type TodoList } from './writer.ts'

const KEYS = ['todos:a', 'todos:b']

/** A site under load, and what its writers were told. */
export class LoadedSite {
  readonly site: Site
  readonly ledger = new Ledger()
  readonly #clients: Client[] = []
  readonly #writers: Writer[] = []

  private constructor(site: Site) {
    this.site = site
  }

  /** Start Postgres, servers and writers. `stop` ends all of it. */
  static async start(options: { seed: number; isForgetful?: boolean }): Promise<LoadedSite> {
    const { seed, isForgetful = false } = options
    const postgres = isForgetful ? { synchronous_commit: 'off', wal_writer_delay: '10s' } : {}
    const site = await Site.start(SERVERS, { allowAsynchronousCommit: isForgetful }, postgres)
    const loaded = new LoadedSite(site)
    try {
      await loaded.#open(seed)
    } catch (error) {
      await loaded.stop()
      throw error
    }
    return loaded
  }

  async stop(): Promise<void> {
    for (const writer of this.#writers) writer.close()
    for (const client of this.#clients) client.close()
    await this.site.stop()
  }

  /** How each writer stands, for whoever has to find out why one does not get on. */
  describe(): string {
    const servers = this.site.servers.map((server, index) => `server ${index} ${server.describe()}`)
    return [...servers, ...this.#writers.map((writer) => writer.describe())].join('\n')
  }

  /** Let everybody edit until `rest`. */
  work(): void {
    for (const writer of this.#writers) writer.start()
  }

  /** Wait until so many more flushes were acknowledged. */
  async progress(flushes: number): Promise<void> {
    const goal = this.ledger.flushes + flushes
    await until(`${flushes} more flushes are acknowledged`, () => this.ledger.flushes >= goal)
  }

  /** Edit no more, and wait until everything is known and the same for everybody. */
  async rest(): Promise<void> {
    for (const writer of this.#writers) writer.stop()
    await until('every edit has an outcome', () => this.#writers.every((writer) => writer.settle()))
    for (const key of KEYS) {
      const { document } = await this.#load(0, key)
      const text = JSON.stringify(document)
      const show = this.#writersOf(key).map(({ model }) => model)
      await until(`all clients show ${key} as it is`, () =>
        show.every((model) => JSON.stringify(model.read()) === text && model.status.queued === 0),
      )
    }
  }

  /** Tell everything that is not as it was promised. Only at rest. */
  async audit(): Promise<string[]> {
    const models = await readModels(this.site.postgres.url)
    const { ledger } = this
    const findings = [
      ...models.flatMap(auditModel),
      ...ledger.audit(models),
      ...ledger.auditErrors(),
    ]
    for (const model of models) {
      const writers = this.#writersOf(model.key)
      for (let server = 0; server < this.site.servers.length; server += 1) {
        const served = await this.#load(server, model.key)
        findings.push(...auditServed(model, served))
        if (server > 0) continue
        findings.push(...auditWriters(writers, served).map((finding) => `${model.key}: ${finding}`))
      }
    }
    for (const { name, refused, model } of this.#writers) {
      const said = refused.splice(0).map((outcome) => `${name} was told ${JSON.stringify(outcome)}`)
      findings.push(
        ...said,
        ...model.rejections.map(({ rejection }) => `${name} lost: ${rejection.message}`),
      )
    }
    return findings
  }

  /** Tell what is wrong with the rows alone, at any moment. */
  async auditStore(): Promise<string[]> {
    const findings = auditDatabase(this.site.postgres.url)
    return findings.catch((error: Error) => [`The database cannot be read: ${error.message}`])
  }

  /** Kill what the plan says while everybody works, and start it again. */
  async strike(strike: Strike): Promise<void> {
    const { postgres } = this.site
    if (strike.target === 'postgres') {
      await wait(strike.delayMs)
      await postgres.kill()
      await postgres.restart()
      return
    }
    const { server, at } = strike
    if (at === 'idle') await this.rest()
    if ('pass' in strike) await this.#reach(strike)
    else {
      await wait(strike.delayMs)
      await this.site.servers[server]!.kill()
    }
    await this.site.restartServer(server)
    if (at === 'idle') this.work()
  }

  /** Kill Postgres and all servers in one moment. */
  async killAll(): Promise<void> {
    const { postgres, servers } = this.site
    await Promise.all([postgres.kill(), ...servers.map((server) => server.kill())])
  }

  /** Start all of them in no order: the servers come up when Postgres is there. */
  async restartAll(): Promise<void> {
    const { postgres, servers } = this.site
    const starts = servers.map((_, index) => this.site.restartServer(index))
    await Promise.all([postgres.restart(), ...starts])
  }

  /** Let a server run into a failpoint, and see that it did. */
  async #reach({ server, at, pass }: Extract<Strike, { pass: number }>): Promise<void> {
    const { servers } = this.site
    if (at === 'on-load') {
      // What a server has in memory it does not load: only a new one passes here.
      await servers[server]!.kill()
      await this.site.restartServer(server, { trap: { at, pass: 1, signal: 'SIGKILL' } })
    } else {
      servers[server]!.tell({ isTrimming: at.endsWith('trim') })
      servers[server]!.tell({ trap: { at, pass, signal: 'SIGKILL' } })
    }
    const process = servers[server]!
    await until(`server ${server} reaches the failpoint ${at}`, () => process.hasReached(at))
    await process.exit
  }

  async #open(seed: number): Promise<void> {
    for (const [index, { address }] of this.site.servers.entries()) {
      for (let n = 0; n < 2; n += 1) {
        const name = `writer ${index}${'ab'[n]}`
        const client = createClient({
          transport: this.ledger.watch(httpTransport({ url: `${address}/flushout` })),
          flush: { quietMs: 2, maxDelayMs: 8, pollMs: 100, retryBaseMs: 20, retryMaxMs: 100 },
        })
        this.#clients.push(client)
        for (const [at, key] of KEYS.entries()) {
          const random = createRandom(seed + this.#writers.length)
          this.#writers.push(new Writer(`${name}${at}`, client.model<TodoList>(key), random))
        }
      }
    }
    await Promise.all(this.#writers.map(({ model }) => model.ready))
  }

  #writersOf(key: string): Writer[] {
    return this.#writers.filter(({ model }) => model.key === key)
  }

  async #load(server: number, key: string): Promise<Snapshot> {
    const { address } = this.site.servers[server]!
    return httpTransport({ url: `${address}/flushout` }).load(key, AbortSignal.timeout(10_000))
  }
}
