// One model that several processes write to, each with a service of its own on one Postgres.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { summarize, type Rate, type Round } from '../harness/rates.ts'
import type { Context, Section } from '../harness/section.ts'
import { makeDocument } from './load.ts'
import { PlainLoop } from './plain-loop.ts'
import { withPostgres, type MeasuredPostgres } from './postgres.ts'

const CLIENTS = 50
const ROUNDS = 5
const MOST = 3
const KINDS = ['Flushout', 'plain loop'] as const

export type Scheme = (typeof KINDS)[number]

/** What one process is told to be. */
export interface InstanceTask {
  readonly url: string
  readonly scheme: Scheme
  readonly key: string
  readonly name: string
  readonly writers: number
}

/** What one process measured; `busy` counts flushes that were told to come again. */
export type InstanceRound = Round & { readonly busy: number }

const MAIN = fileURLToPath(new URL('instance.ts', import.meta.url))
const NODE_OPTIONS = ['--conditions=@flushout/source', '--no-warnings']

/** Processes that share the clients of one model. */
class Group {
  readonly name: string
  readonly scheme: Scheme
  readonly size: number
  readonly key: string
  readonly rounds: InstanceRound[] = []
  /** Those of the first round included. */
  flushes = 0
  readonly #processes: readonly ChildProcess[]

  constructor(url: string, scheme: Scheme, size: number) {
    this.name = `${scheme}, ${size} ${size === 1 ? 'process' : 'processes'}`
    this.scheme = scheme
    this.size = size
    this.key = keyOf(size)
    const { key } = this
    this.#processes = Array.from({ length: size }, (_, index) => {
      const writers = Math.floor((CLIENTS + index) / size)
      const task: InstanceTask = { url, scheme, key, name: `${size}-${index}`, writers }
      return fork(MAIN, [JSON.stringify(task)], {
        execArgv: NODE_OPTIONS,
        serialization: 'advanced',
      })
    })
  }

  async ready(): Promise<void> {
    await Promise.all(this.#processes.map((process) => once(process, 'message')))
  }

  /** Let all of them work at once. */
  async work(): Promise<InstanceRound> {
    const results = this.#processes.map(async (process) => {
      process.send('begin')
      return (await once(process, 'message'))[0] as InstanceRound
    })
    const all = await Promise.all(results)
    const times = all.flatMap((round) => round.times).sort((a, b) => a - b)
    this.flushes += times.length
    return {
      perSecond: all.reduce((sum, { perSecond }) => sum + perSecond, 0),
      times,
      busy: all.reduce((sum, { busy }) => sum + busy, 0),
      spent: {},
    }
  }

  end(): void {
    for (const process of this.#processes) process.kill()
  }
}

export function run({ signal }: Context): Promise<Section[]> {
  return withPostgres(async (postgres) => {
    await createPlainModels(postgres.url)
    const sizes = Array.from({ length: MOST }, (_, index) => index + 1)
    const groups = KINDS.flatMap((scheme) =>
      sizes.map((size) => new Group(postgres.url, scheme, size)),
    )
    try {
      await Promise.all(groups.map((group) => group.ready()))
      for (let round = 0; round <= ROUNDS; round += 1) {
        for (const group of groups) {
          signal.throwIfAborted()
          const result = await group.work()
          // The first warms everything up.
          if (round > 0) group.rounds.push(result)
        }
      }
      for (const group of groups) await checkCount(postgres, group)
    } finally {
      for (const group of groups) group.end()
    }
    return [toSection(groups)]
  })
}

function keyOf(size: number): string {
  return `shared:by-${size}`
}

async function createPlainModels(url: string): Promise<void> {
  const plain = new PlainLoop(url)
  await plain.create(
    Array.from({ length: MOST }, (_, index) => keyOf(index + 1)),
    makeDocument(4_000),
  )
  await plain.close()
}

/** Two commands of each flush that was answered, and no more. */
async function checkCount({ client }: MeasuredPostgres, group: Group): Promise<void> {
  const table = group.scheme === 'Flushout' ? 'flushout.model' : 'plain'
  const { rows } = await client.query(`select command_count from ${table} where key = $1`, [
    group.key,
  ])
  const count = Number((rows[0] as { command_count: string }).command_count)
  if (count === group.flushes * 2) return
  throw new Error(`${group.name}: ${count} commands of ${group.flushes} flushes`)
}

function toSection(groups: readonly Group[]): Section {
  const results = groups.map((group) => ({ group, rate: summarize(group.rounds) }))
  const rateOf = (scheme: Scheme, size: number): Rate =>
    results.find(({ group }) => group.scheme === scheme && group.size === size)!.rate
  const two = rateOf('Flushout', 2)
  return {
    id: 'one-model',
    title: `Flushes of two commands by ${CLIENTS} clients to one model of 4 KB, over several processes`,
    columns: [
      { name: 'flushes', unit: '/s' },
      { name: 'p50', unit: 'ms' },
      { name: 'p99', unit: 'ms' },
      { name: 'slowest', unit: 'ms' },
      { name: 'told to come again', unit: '' },
      { name: 'to the plain loop', unit: '×' },
    ],
    rows: results.map(({ group, rate }) => ({
      name: group.name,
      values: [
        rate.perSecond,
        rate.p50,
        rate.p99,
        rate.max,
        group.rounds.reduce((sum, { busy }) => sum + busy, 0),
        rate.perSecond / rateOf('plain loop', group.size).perSecond,
      ],
    })),
    goals: [
      { what: 'slowest flush over two processes', value: two.max, unit: 'ms', atMost: 300 },
      { what: 'flushes over two processes', value: two.perSecond, unit: '/s', atLeast: 2000 },
    ],
  }
}
