// Cycle after cycle: edit under load, kill one thing, start it again, see that
// everybody gets through, and count what is there against what was told.
import { createClient, httpTransport, type Client } from '@flushout/client'
import type { Snapshot } from '@flushout/core'
import { setTimeout as wait } from 'node:timers/promises'
import { auditModel, auditServed } from '../support/audit.ts'
import { Ledger } from '../support/ledger.ts'
import { readModels } from '../support/stored-model.ts'
import { until } from '../support/until.ts'
import { describeStrike, makePlan, SERVERS, type Strike } from './plan.ts'
import { createRandom } from './random.ts'
import { Site } from './site.ts'
import { auditWriters, Writer, type TodoList } from './writer.ts'

const KEYS = ['todos:a', 'todos:b']
/** Acknowledged flushes before something is killed, and after it is back. */
const FLUSHES_BEFORE = 60
const FLUSHES_AFTER = 20
/** What a client has to be told again that dies of not hearing it. */
const UNHEARD = new Set<string>(['after-commit', 'before-answer', 'half-answer'])

export interface CrashOptions {
  readonly cycles: number
  /** Decides what is killed and when. */
  readonly seed: number
  /** Let Postgres acknowledge what it may lose: a run that has to fail. */
  readonly isForgetful?: boolean
  readonly onCycle?: (cycle: Cycle) => void
}

/** What happened in one cycle. */
export interface Cycle {
  readonly number: number
  readonly strike: string
  /** Acknowledged flushes since the run began. */
  readonly flushes: number
  readonly repeated: number
  readonly findings: readonly string[]
  readonly ms: number
}

/** A site under load, and what its writers were told. */
export class CrashRun {
  readonly site: Site
  readonly ledger = new Ledger()
  readonly #clients: Client[] = []
  readonly #writers: Writer[] = []

  private constructor(site: Site) {
    this.site = site
  }

  /** Start Postgres, servers and writers. `stop` ends all of it. */
  static async start(options: {
    seed: number
    isForgetful?: boolean
    servers?: number
  }): Promise<CrashRun> {
    const { seed, isForgetful = false, servers = SERVERS } = options
    const postgres = isForgetful ? { synchronous_commit: 'off', wal_writer_delay: '10s' } : {}
    const site = await Site.start(servers, { allowAsynchronousCommit: isForgetful }, postgres)
    const run = new CrashRun(site)
    try {
      await run.#open(seed)
    } catch (error) {
      await run.stop()
      throw error
    }
    return run
  }

  async stop(): Promise<void> {
    for (const writer of this.#writers) writer.close()
    for (const client of this.#clients) client.close()
    await this.site.stop()
  }

  /** How each writer stands, for whoever has to find out why one does not get on. */
  describe(): string {
    return this.#writers.map((writer) => writer.describe()).join('\n')
  }

  work(): void {
    for (const writer of this.#writers) writer.start()
  }

  /** Wait until so many more flushes were acknowledged to each client. */
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
    const findings = [...models.flatMap(auditModel), ...this.ledger.audit(models)]
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

/** Run all cycles of a plan; ends with the first that breaks a promise. */
export async function runCycles({
  cycles,
  seed,
  isForgetful = false,
  onCycle,
}: CrashOptions): Promise<Cycle[]> {
  const run = await CrashRun.start({ seed, isForgetful })
  const done: Cycle[] = []
  try {
    for (const [index, strike] of makePlan(cycles, seed).entries()) {
      const cycle = await runCycle(run, index + 1, strike)
      done.push(cycle)
      onCycle?.(cycle)
      if (cycle.findings.length > 0) break
    }
  } finally {
    await run.stop()
  }
  return done
}

async function runCycle(run: CrashRun, number: number, strike: Strike): Promise<Cycle> {
  const start = performance.now()
  const words = describeStrike(strike)
  const { ledger } = run
  const repeatedBefore = ledger.repeated
  try {
    run.work()
    await run.progress(FLUSHES_BEFORE)
    await run.strike(strike)
    await run.progress(FLUSHES_AFTER)
    await run.rest()
  } catch (cause) {
    throw new Error(`Cycle ${number}, ${words}: ${(cause as Error).message}\n${run.describe()}`, {
      cause,
    })
  }
  const findings = await run.audit()
  const isUnheard = strike.target === 'server' && UNHEARD.has(strike.at)
  if (isUnheard && ledger.repeated === repeatedBefore) {
    findings.push('a flush was applied and its answer lost, but none was answered as repeated')
  }
  const { flushes, repeated } = ledger
  return { number, strike: words, flushes, repeated, findings, ms: performance.now() - start }
}
