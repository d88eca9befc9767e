// What it costs to be looked on: flushes through a service in memory, without and with metrics
// and traces. In time of the processor, since the differences are smaller than what others on
// the machine make.
import { PROTOCOL } from '@flushout/core'
import {
  allowAnyone,
  createService,
  memoryStore,
  type FlushoutService,
  type ServiceOptions,
} from '@flushout/server'
import { openTelemetry } from '@flushout/server/opentelemetry'
import { prometheus } from '@flushout/server/prometheus'
import { NoopSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { median } from '../harness/measure.ts'
import type { Context, Section } from '../harness/section.ts'

/** Flushes that are under way at a time, each of a model of its own. */
const AT_ONCE = 50
const FLUSHES = 2000
const ROUNDS = 41

class Crowd {
  readonly name: string
  readonly #service: FlushoutService
  readonly #at: { sequence: number; from: number; hash: string }[]

  constructor(name: string, options: Partial<ServiceOptions> = {}) {
    this.name = name
    this.#service = createService({
      store: memoryStore(),
      authorize: allowAnyone,
      models: [{ pattern: 'todos:*', initial: { todos: {} } }],
      history: { last: 100 },
      ...options,
    })
    this.#at = Array.from({ length: AT_ONCE }, () => ({ sequence: 0, from: 0, hash: '' }))
  }

  /** The work of the processor for a flush, in microseconds. */
  async measure(): Promise<number> {
    const start = process.cpuUsage()
    for (let done = 0; done < FLUSHES; done += AT_ONCE) {
      await Promise.all(this.#at.map((_, index) => this.#flush(index)))
    }
    const { user, system } = process.cpuUsage(start)
    return (user + system) / FLUSHES
  }

  async #flush(index: number): Promise<void> {
    const at = this.#at[index]!
    at.sequence += 1
    const answer = await this.#service.flush(`todos:${index}`, {
      protocol: PROTOCOL,
      clientId: `writer-${index}`,
      ...at,
      commands: [{ action: 'update', path: ['todos'], props: { n: at.sequence } }],
    })
    at.from = answer.commandCount
    at.hash = answer.hash
  }
}

export async function run({ signal }: Context): Promise<Section[]> {
  const provider = new TracerProvider({ spanProcessors: [new NoopSpanProcessor()] })
  const tracer = provider.getTracer('bench')
  const crowds = [
    new Crowd('nobody looks on'),
    new Crowd('nobody, a second time'),
    new Crowd('metrics', { metrics: prometheus({ token: 'a token for nobody at all' }) }),
    new Crowd('traces, and no SDK that collects them', { traces: openTelemetry() }),
    new Crowd('traces, all recorded', { traces: openTelemetry({ tracer }) }),
  ]
  const samples = crowds.map(() => [] as number[])
  for (let round = -2; round < ROUNDS; round += 1) {
    signal.throwIfAborted()
    for (let turn = 0; turn < crowds.length; turn += 1) {
      // The differences are smaller than what the place in a round makes: each comes everywhere.
      const index = (turn + round + crowds.length) % crowds.length
      const time = await crowds[index]!.measure()
      // The compiler settles first.
      if (round >= 0) samples[index]!.push(time)
    }
  }
  const medians = samples.map(median)
  return [
    {
      id: 'flushes',
      title: `Flushes of one command through a service in memory, ${AT_ONCE} at a time on ${AT_ONCE} models`,
      columns: [
        { name: 'a flush', unit: 'µs' },
        { name: 'to nobody', unit: '×' },
      ],
      rows: crowds.map(({ name }, index) => ({
        name,
        values: [medians[index]!, medians[index]! / medians[0]!],
      })),
    },
  ]
}
