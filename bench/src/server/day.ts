// How large the tables get over a day of writing, with a clock that runs ahead: with all history
// kept, and with two hours of it and clients known for four.
import { createIdFactory } from '@flushout/core'
import {
  allowAnyone,
  createService,
  defaultEnvironment,
  postgresStore,
  type Environment,
  type ServiceOptions,
} from '@flushout/server'
import pg from 'pg'
import type { Context, Line, Section } from '../harness/section.ts'
import { makeDocument, Writer } from './load.ts'
import { withPostgres, type MeasuredPostgres } from './postgres.ts'

const HOUR = 3_600_000
const STEP = HOUR / 6
const STEPS = 144
const MODELS = 20
const WRITERS = 5
/** Of each writer in a step. */
const FLUSHES = 4
/** After which sizes are shown. */
const HOURS = [1, 3, 6, 12, 18, 24]
/** By then whatever is bounded has come to its bounds. */
const SETTLED = 6

/** A clock that is told how late it is, and the idle timers of a service. */
class Day {
  now = 1_700_000_000_000
  #due: (() => void)[] = []
  readonly environment: Environment = {
    ...defaultEnvironment,
    now: () => this.now,
    setTimer: (callback, delayMs, isIdle) => {
      if (!isIdle) return defaultEnvironment.setTimer(callback, delayMs)
      this.#due.push(callback)
      return () => {}
    },
  }

  /** What would have been done now and then in the meantime. */
  rest(): void {
    for (const callback of this.#due.splice(0)) callback()
  }
}

interface Size {
  readonly flushes: number
  readonly clients: number
  readonly commands: number
  readonly bytes: number
}

async function measure(client: pg.Client, schema: string): Promise<Size> {
  // In place of autovacuum, which goes by the clock on the wall.
  for (const table of ['model', 'flush', 'client', 'checkpoint']) {
    await client.query(`vacuum ${schema}.${table}`)
  }
  const { rows } = await client.query(`
    select
      (select count(*) from ${schema}.flush)::int as flushes,
      (select count(*) from ${schema}.client)::int as clients,
      (select sum(command_count) from ${schema}.model)::int as commands,
      (select sum(pg_total_relation_size(c.oid)) from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = '${schema}' and c.relkind = 'r')::float8 as bytes`)
  return rows[0] as Size
}

/** Write for a day, each page for an hour; sizes after each hour. */
async function spend(
  { url, client }: MeasuredPostgres,
  schema: string,
  signal: AbortSignal,
  options: Pick<ServiceOptions, 'history' | 'clients'>,
): Promise<Size[]> {
  const day = new Day()
  const store = postgresStore({ connectionString: url, schema })
  await store.migrate()
  const service = createService({
    store,
    authorize: allowAnyone,
    models: [{ pattern: 'day:*', initial: makeDocument(4_000) }],
    environment: day.environment,
    ...options,
  })
  const createId = createIdFactory(day.environment)
  const sizes: Size[] = []
  let pages: Writer[][] = []
  for (let step = 0; step < STEPS; step += 1) {
    signal.throwIfAborted()
    if (step % 6 === 0) {
      pages = Array.from({ length: MODELS }, () =>
        Array.from({ length: WRITERS }, () => new Writer(createId())),
      )
    }
    await Promise.all(
      pages.flatMap((writers, model) =>
        writers.map(async (writer) => {
          for (let flush = 0; flush < FLUSHES; flush += 1) {
            await writer.flush(service, `day:${model}`)
          }
        }),
      ),
    )
    day.now += STEP
    day.rest()
    const size = await measure(client, schema)
    if (step % 6 === 5) sizes.push(size)
  }
  await service.close()
  if (sizes.at(-1)!.commands !== STEPS * MODELS * WRITERS * FLUSHES * 2) {
    throw new Error(`${sizes.at(-1)!.commands} commands were stored`)
  }
  return sizes
}

export function run({ signal }: Context): Promise<Section[]> {
  return withPostgres(async (postgres) => {
    const all = await spend(postgres, 'everything', signal, { history: 'all', clients: 'all' })
    const bounded = await spend(postgres, 'bounded', signal, {
      history: { forMs: 2 * HOUR },
      clients: { forMs: 4 * HOUR },
    })
    return [toSection(all, bounded)]
  })
}

function toSection(all: readonly Size[], bounded: readonly Size[]): Section {
  const anHour = MODELS * WRITERS * FLUSHES * 6
  const columnsOf = (which: string) =>
    [
      { name: `${which}: flush rows`, unit: '' },
      { name: 'client rows', unit: '' },
      { name: 'tables', unit: 'MB' },
    ] as const
  const cellsOf = ({ flushes, clients, bytes }: Size) => [flushes, clients, bytes / 1e6]
  const line = (name: string, sizes: readonly Size[]): Line => ({
    name,
    points: sizes.map(({ bytes }, hour) => [hour + 1, bytes / 1e6]),
  })
  return {
    id: 'tables',
    title: `The tables of ${MODELS} models over a day of ${anHour.toLocaleString('en')} flushes an hour, all kept or bounded to two hours`,
    rowsAre: 'after',
    columns: [...columnsOf('all'), ...columnsOf('bounded')],
    rows: HOURS.map((hour) => ({
      name: `${hour} h`,
      values: [...cellsOf(all[hour - 1]!), ...cellsOf(bounded[hour - 1]!)],
    })),
    goals: [
      {
        what: `bounded tables after a day, to those after ${SETTLED} hours`,
        value: bounded.at(-1)!.bytes / bounded[SETTLED - 1]!.bytes,
        unit: '×',
        atMost: 1.1,
      },
    ],
    plot: {
      x: { name: 'hours', unit: '', isLinear: true },
      y: { name: 'tables', unit: 'MB', isLinear: true },
      lines: [line('all kept', all), line('Flushout, bounded', bounded)],
    },
  }
}
