// What is left of the rate of a server once flushes come over HTTP: server, database and load
// in processes of their own, on one machine.
import type { Rate } from '../harness/rates.ts'
import type { BarPlot, Column, Context, Goal, Row, Section } from '../harness/section.ts'
import { withPostgres, type MeasuredPostgres } from '../server/postgres.ts'
import { Contender, type Pairing } from './contender.ts'
import { HOT, MANY, OWN } from './tasks.ts'

const ROUNDS = 4
const ROUND_MS = 1000
const WARM_UP_MS = 3000
const PROFILE_MS = 3000

const FLUSHOUT = 'Flushout'
const CHECKED = 'Fastify, echo, schemas both ways'
const SHAREDB = 'ShareDB on Postgres, WebSocket'

const many: readonly Pairing[] = [
  { name: 'node:http, echo', server: 'bare', task: MANY, isEcho: true },
  { name: 'Fastify, echo', server: 'fastify', task: MANY, isEcho: true },
  { name: CHECKED, server: 'schemas', task: MANY, isEcho: true },
  { name: 'Fastify, plain loop', server: 'plain', task: MANY },
  { name: FLUSHOUT, server: 'flushout', task: MANY },
]

const own: readonly Pairing[] = [{ name: FLUSHOUT, server: 'flushout', task: OWN }]

const hot: readonly Pairing[] = [
  { name: SHAREDB, server: 'sharedb', task: HOT },
  { name: 'Fastify, plain loop', server: 'plain', task: HOT },
  { name: FLUSHOUT, server: 'flushout', task: HOT },
]

type Rates = ReadonlyMap<string, Rate>

export async function run(context: Context): Promise<Section[]> {
  return withPostgres(async (postgres) => {
    const manyRates = await measure(many, postgres, context)
    const ownRates = await measure(own, postgres, context)
    const hotRates = await measure(hot, postgres, context)
    return [describeMany(manyRates), describeOwn(ownRates), describeHot(hotRates)]
  })
}

/** Let all of them serve in turn. */
async function measure(
  pairings: readonly Pairing[],
  postgres: MeasuredPostgres,
  { signal, profileFolder }: Context,
): Promise<Rates> {
  const contenders = pairings.map((pairing) => new Contender(pairing, postgres))
  const closeAll = () => Promise.all(contenders.map((contender) => contender.close()))
  signal.addEventListener('abort', closeAll)
  try {
    for (const contender of contenders) {
      await contender.open()
      await contender.warmUp(WARM_UP_MS)
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const contender of contenders) await contender.measure(ROUND_MS)
    }
    const rates = new Map<string, Rate>()
    for (const contender of contenders) {
      if (profileFolder) await contender.profile(PROFILE_MS, fileOf(contender, profileFolder))
      rates.set(contender.name, await contender.finish())
    }
    return rates
  } finally {
    await closeAll()
  }
}

function fileOf({ name, place }: Contender, folder: string): string {
  return `${folder}/http ${place} ${name.replaceAll(/[^\w ]/g, '')}.cpuprofile`
}

function describeMany(rates: Rates): Section {
  const ours = rates.get(FLUSHOUT)!
  const checked = rates.get(CHECKED)!
  const share = (rate: Rate) => (rate.perSecond * 100) / checked.perSecond
  return {
    id: 'many',
    title: '64 connections, flushes of two commands to 1,000 models of 10 KB',
    columns: [...COLUMNS, { name: 'to schemas both ways', unit: '%' }],
    rows: toRows(rates, share),
    goals: [
      atLeast('64 connections, of the echo with schemas', share(ours), 50, '%'),
      atMost('64 connections, p99', ours.p99, 25, 'ms'),
    ],
    plot: toBars(rates, true),
  }
}

function describeOwn(rates: Rates): Section {
  const ours = rates.get(FLUSHOUT)!
  return {
    id: 'own',
    title: '200 clients, flushes of five commands, each to a model of 10 KB of their own',
    columns: COLUMNS,
    rows: toRows(rates),
    goals: [
      atLeast('200 clients on 200 models', ours.perSecond, 5000, '/s'),
      atMost('200 clients on 200 models, p99', ours.p99, 60, 'ms'),
    ],
  }
}

function describeHot(rates: Rates): Section {
  const ours = rates.get(FLUSHOUT)!
  const base = rates.get(SHAREDB)!
  const times = (rate: Rate) => rate.perSecond / base.perSecond
  return {
    id: 'hot',
    title: '50 clients, flushes of two commands to one model of 10 KB',
    columns: [...COLUMNS, { name: 'to ShareDB', unit: '×' }],
    rows: toRows(rates, times),
    goals: [
      atLeast('50 clients on one model', ours.perSecond, 5000, '/s'),
      atMost('50 clients on one model, p99', ours.p99, 40, 'ms'),
      atLeast('50 clients on one model, to ShareDB', times(ours), 40, '×'),
    ],
    plot: toBars(rates, false),
  }
}

const COLUMNS: readonly Column[] = [
  { name: 'flushes', unit: '/s' },
  { name: 'p50', unit: 'ms' },
  { name: 'p99', unit: 'ms' },
  { name: 'CPU of the server', unit: 'µs' },
  { name: 'of Postgres', unit: 'µs' },
  { name: 'of the load', unit: 'µs' },
]

function toRows(rates: Rates, compare?: (rate: Rate) => number): Row[] {
  return [...rates].map(([name, rate]) => {
    const { server, postgres, load } = rate.spent
    const values = [rate.perSecond, rate.p50, rate.p99, server, postgres, load]
    return { name, values: compare ? [...values, compare(rate)] : values }
  })
}

function toBars(rates: Rates, isLinear: boolean): BarPlot {
  const bars = [...rates].map(([name, { perSecond }]) => ({ name, value: perSecond }))
  return { x: { name: 'flushes', unit: '/s', isLinear }, bars }
}

function atLeast(what: string, value: number, bound: number, unit: Goal['unit']): Goal {
  return { what, value, unit, atLeast: bound }
}

function atMost(what: string, value: number, bound: number, unit: Goal['unit']): Goal {
  return { what, value, unit, atMost: bound }
}
