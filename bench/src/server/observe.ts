// What it costs to be looked on: flushes through a service in memory, without and with metrics
// and traces. With the path of another checkout, as of before there was any of this,
// `node --conditions=@flushout/source bench/src/observe.ts ../before`, that is one more contender:
// what it costs to be asked whether anybody looks on.
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PROTOCOL } from '@flushout/core'
import * as here from '@flushout/server'
import { openTelemetry } from '@flushout/server/opentelemetry'
import { prometheus } from '@flushout/server/prometheus'
import { NoopSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { median, micros, printTable, ratio } from './measure.ts'

/** Flushes that are under way at a time, each of a model of its own. */
const AT_ONCE = 50
const FLUSHES = 2000
const ROUNDS = 61

class Crowd {
  readonly name: string
  readonly #service: here.FlushoutService
  readonly #at: { sequence: number; from: number; hash: string }[]

  constructor(
    name: string,
    { createService, memoryStore, allowAnyone }: typeof here,
    options: Partial<here.ServiceOptions> = {},
  ) {
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

const provider = new TracerProvider({ spanProcessors: [new NoopSpanProcessor()] })
const token = 'a token for nobody at all'
const contenders = [
  new Crowd('nobody looks on', here),
  new Crowd('the same again', here),
  new Crowd('metrics', here, { metrics: prometheus({ token }) }),
  new Crowd('traces, nobody collects them', here, { traces: openTelemetry() }),
  new Crowd('traces, all are recorded', here, {
    traces: openTelemetry({ tracer: provider.getTracer('bench') }),
  }),
]
const before = process.argv.slice(2).find((argument) => argument !== 'observe')
if (before !== undefined) {
  const index = pathToFileURL(join(resolve(before), 'packages/server/src/index.ts')).href
  contenders.push(new Crowd(`as in ${before}`, (await import(index)) as typeof here))
}

// The differences are smaller than what the place in a round makes: each comes everywhere.
const samples = contenders.map(() => [] as number[])
for (let round = -2; round < ROUNDS; round += 1) {
  for (let turn = 0; turn < contenders.length; turn += 1) {
    const index = (turn + round + contenders.length) % contenders.length
    const time = await contenders[index]!.measure()
    // The compiler settles first.
    if (round >= 0) samples[index]!.push(time)
  }
}
const medians = samples.map(median)
printTable([
  ['', 'a flush', 'beside nobody'],
  ...contenders.map(({ name }, index) => {
    const time = medians[index]!
    return [name, micros(time), ratio(time / medians[0]!)]
  }),
])
process.exit(0)
