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
import { createDatabase, startPostgres } from '../../test/support/postgres.ts'
import { makeDocument, Writer } from './load.ts'
import { printTable } from './measure.ts'

const HOUR = 3_600_000
const STEP = HOUR / 6
const STEPS = 144
const MODELS = 20
const WRITERS = 5
/** Of each writer in a step. */
const FLUSHES = 8

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
  readonly checkpoints: number
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
      (select count(*) from ${schema}.checkpoint)::int as checkpoints,
      (select sum(pg_total_relation_size(c.oid)) from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = '${schema}' and c.relkind = 'r')::float8 as bytes`)
  return rows[0] as Size
}

/** Write for a day, each page for an hour; sizes after each hour. */
async function spend(
  url: string,
  schema: string,
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
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const createId = createIdFactory(day.environment)
  const sizes: Size[] = []
  let pages: Writer[][] = []
  for (let step = 0; step < STEPS; step += 1) {
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
  await client.end()
  return sizes
}

const postgres = await startPostgres()
const database = await createDatabase(postgres.url)
try {
  const all = await spend(database.url, 'everything', { history: 'all', clients: 'all' })
  const bounded = await spend(database.url, 'bounded', {
    history: { forMs: 2 * HOUR },
    clients: { forMs: 4 * HOUR },
  })
  const anHour = MODELS * WRITERS * FLUSHES * 6
  console.log(`${MODELS} models, ${anHour.toLocaleString('en')} flushes an hour, for a day.\n`)
  const show = ({ flushes, clients, checkpoints, bytes }: Size) => [
    flushes.toLocaleString('en'),
    clients.toLocaleString('en'),
    checkpoints.toLocaleString('en'),
    `${(bytes / 1e6).toFixed(1)} MB`,
  ]
  const hours = [1, 3, 6, 12, 18, 24]
  const header = ['after', 'flush rows', 'client rows', 'checkpoints', 'tables']
  for (const [name, sizes] of Object.entries({ 'all kept': all, bounded })) {
    console.log(`${name}\n`)
    printTable([header, ...hours.map((hour) => [`${hour} h`, ...show(sizes[hour - 1]!)])])
    console.log('')
  }
} finally {
  await database.drop()
  await postgres.stop()
}
