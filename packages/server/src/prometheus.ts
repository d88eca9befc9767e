import { createHash, timingSafeEqual } from 'node:crypto'
import { FlushoutError, type FlushAnswer } from '@flushout/core'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { LimitName } from './limits.ts'
import type { Metrics } from './metrics.ts'
import type { Step, Watch } from './observe.ts'
import type { Usage } from './usage.ts'

export interface PrometheusOptions {
  /**
   * What `GET /flushout/metrics` wants as `authorization: Bearer …`, at least 16 characters.
   * Without it there is no such route.
   */
  readonly token?: string
  /**
   * Where the figures go as well as those of the application. Without it they have a registry
   * of their own, with what prom-client says of the process.
   */
  readonly registry?: Registry
}

const MIN_TOKEN_LENGTH = 16
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const SIZES = [1, 2, 5, 10, 20, 50, 100, 200]

/**
 * Figures for Prometheus, by prom-client: `metrics: prometheus({ token })`. One for each service.
 * Throws OPTIONS_INVALID unless it gets a token, a registry or both.
 */
export function prometheus(options: PrometheusOptions): Metrics {
  const { token, registry } = options
  const isGiven = Object.hasOwn(options, 'token')
  // An environment variable that is not set must not open the door, nor close it unnoticed.
  if (isGiven ? typeof token !== 'string' || token.length < MIN_TOKEN_LENGTH : !registry) {
    const message = `prometheus needs a token of at least ${MIN_TOKEN_LENGTH} characters, or a registry.`
    throw new FlushoutError('OPTIONS_INVALID', message)
  }
  return new PrometheusMetrics(registry ?? createRegistry(), token)
}

function createRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

class PrometheusMetrics implements Metrics {
  readonly contentType: string
  readonly allows: Metrics['allows']
  readonly #registry: Registry
  readonly #seconds: Readonly<Record<Step['name'], Histogram>>
  readonly #results: Readonly<Record<Step['name'], Counter>>
  readonly #joined: Readonly<Record<'commit' | 'statement', Histogram>>
  readonly #verdicts: Counter
  readonly #lag: Histogram
  readonly #refusals: Counter
  readonly #limits: Counter

  constructor(registry: Registry, token: string | undefined) {
    this.#registry = registry
    this.contentType = registry.contentType
    this.allows = token === undefined ? undefined : createGuard(token)
    const create = createKit(registry)
    this.#seconds = {
      flush: create.seconds('flush_seconds', 'Time to answer a flush.', ['kind']),
      read: create.seconds('read_seconds', 'Time to answer a read.', ['kind']),
      commit: create.seconds('commit_seconds', 'Time of one try to store the flushes of a model.'),
      statement: create.seconds('statement_seconds', 'Time of one statement with commits.'),
    }
    this.#results = {
      flush: create.counter('flushes_total', 'Flushes by what became of them.', ['kind', 'result']),
      read: create.counter('reads_total', 'Reads by what became of them.', ['kind', 'result']),
      commit: create.counter('commits_total', 'Tries to store; each conflict is done again.', [
        'result',
      ]),
      statement: create.counter('statements_total', 'Statements with commits.', ['result']),
    }
    this.#joined = {
      commit: create.sizes('commit_flushes', 'Flushes that are stored together.'),
      statement: create.sizes('statement_commits', 'Models that are stored together.'),
    }
    this.#verdicts = create.counter('verdicts_total', 'Commands by their verdict.', [
      'kind',
      'verdict',
    ])
    this.#lag = create.seconds(
      'live_lag_seconds',
      'From when a flush arrived, wherever, to when live connections of this server are told.',
    )
    this.#refusals = create.counter('refusals_total', 'Refused requests by code.', ['code'])
    this.#limits = create.counter('limits_total', 'How often somebody ran into a limit.', ['limit'])
  }

  read(): Promise<string> {
    return this.#registry.metrics()
  }

  attach(usage: () => Usage): void {
    const gauge = (name: string, help: string, read: (usage: Usage) => number) =>
      new Gauge({
        name: `flushout_${name}`,
        help,
        registers: [this.#registry],
        collect() {
          this.set(read(usage()))
        },
      })
    gauge('streams', 'Live connections.', ({ streams }) => streams)
    gauge('followed_models', 'Models that live connections follow.', ({ channels }) => channels)
    gauge('peers', 'Who is shown to be there.', ({ peers }) => peers)
    gauge('hot_models', 'Models in memory.', ({ models }) => models)
    gauge('hot_model_bytes', 'Characters that the models in memory take.', ({ bytes }) => bytes)
  }

  begin(step: Step): Watch {
    const { name } = step
    const start = performance.now()
    const kind = 'kind' in step ? { kind: step.kind } : {}
    if ('of' in step) this.#joined[step.name].observe(step.of.length)
    return {
      run: (work) => work(),
      end: (result) => {
        this.#seconds[name].observe(kind, (performance.now() - start) / 1000)
        this.#results[name].inc({ ...kind, result })
      },
    }
  }

  answered(kind: string, commands: number, { outcome, verdicts }: FlushAnswer): void {
    // They were counted when they took effect.
    if (outcome === 'repeated') return
    for (const { kind: verdict } of verdicts) this.#verdicts.inc({ kind, verdict })
    const others = commands - verdicts.length
    if (others > 0) this.#verdicts.inc({ kind, verdict: 'applied' }, others)
  }

  told(lagMs: number): void {
    this.#lag.observe(lagMs / 1000)
  }

  refused(code: string): void {
    this.#refusals.inc({ code })
  }

  limited(limit: LimitName): void {
    this.#limits.inc({ limit })
  }
}

function createKit(registry: Registry) {
  const registers = [registry]
  const histogram =
    (buckets: number[]) =>
    (name: string, help: string, labelNames: string[] = []) =>
      new Histogram({ name: `flushout_${name}`, help, labelNames, buckets, registers })
  return {
    seconds: histogram(SECONDS),
    sizes: histogram(SIZES),
    counter: (name: string, help: string, labelNames: string[]) =>
      new Counter({ name: `flushout_${name}`, help, labelNames, registers }),
  }
}

function createGuard(token: string): (authorization: string | undefined) => boolean {
  const expected = hash(`Bearer ${token}`)
  // Of hashes, which are equally long: nobody learns by the time it takes how much was right.
  return (authorization) => timingSafeEqual(hash(authorization ?? ''), expected)
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
