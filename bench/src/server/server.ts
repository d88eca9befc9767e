// What a flush costs on the server: real Postgres with fsync on, the service and
// its load in one process. Contenders take turns, so that a busy machine slows
// all of them.
import type { JsonObject } from '@flushout/core'
import { type FlushoutService } from '@flushout/server'
import pg from 'pg'
import { createDatabase, startPostgres } from '../../test/support/postgres.ts'
import { driveInstances } from './instances.ts'
import { createFlushout, drive, makeDocument, Writer, type Rate } from './load.ts'
import { median, percentile, printTable, ratio } from './measure.ts'

const ROUND_MS = 1_500
const ROUNDS = 5
const INSTANCES = 3

/** The scheme that everybody writes first: read, apply, compare and swap, else again. */
async function createPlainLoop(url: string, document: JsonObject) {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  // Idle connections are cut at the very end, when the database is dropped.
  pool.on('error', () => {})
  await pool.query('create table plain (key text primary key, command_count bigint, document text)')
  await pool.query('insert into plain values ($1, 0, $2)', ['hot', JSON.stringify(document)])
  return {
    async flush(writer: number): Promise<void> {
      for (;;) {
        const read = { name: 'read', text: 'select * from plain where key = $1', values: ['hot'] }
        const row = (await pool.query(read)).rows[0] as { command_count: string; document: string }
        const next = JSON.parse(row.document) as { todos: Record<string, Record<string, unknown>> }
        next.todos['t0']!['text'] = `by ${writer}`
        next.todos['t1']!['done'] = writer % 2 === 0
        const swap = {
          name: 'swap',
          text: 'update plain set command_count = command_count + 2, document = $3 where key = $1 and command_count = $2',
          values: ['hot', row.command_count, JSON.stringify(next)],
        }
        if ((await pool.query(swap)).rowCount === 1) return
      }
    },
    close: () => pool.end(),
  }
}

/** The write-ahead log so far, in bytes. */
async function readWal(client: pg.Client): Promise<number> {
  const { rows } = await client.query(`select pg_current_wal_lsn() - '0/0'::pg_lsn as bytes`)
  return Number((rows[0] as { bytes: string }).bytes)
}

const postgres = await startPostgres()
const database = await createDatabase(postgres.url)
const client = new pg.Client({ connectionString: database.url })
await client.connect()
try {
  const small = makeDocument(4_000)
  const service = await createFlushout(database.url, { small, large: makeDocument(100_000) })
  const plain = await createPlainLoop(database.url, small)

  const groups = {
    'plain loop, 50 writers on one model': (writer: number) => plain.flush(writer),
    'flushout, 50 writers on one model': withWriters(service, 'hot', () => 'small:hot'),
    'flushout, 50 models of 4 KB': withWriters(service, 'many', (writer) => `small:${writer}`),
    'flushout, 50 models of 100 KB': withWriters(service, 'big', (writer) => `large:${writer}`),
  }
  const rates = new Map(Object.keys(groups).map((name) => [name, [] as Rate[]]))
  const wal: number[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, flush] of Object.entries(groups)) {
      const before = await readWal(client)
      const rate = await drive(50, ROUND_MS, flush)
      // The first round warms everything up.
      if (round === 0) continue
      rates.get(name)!.push(rate)
      if (name.includes('50 models of 4 KB')) {
        wal.push(((await readWal(client)) - before) / (rate.perSecond * (ROUND_MS / 1000)))
      }
    }
  }
  const rateOf = (name: string) => median(rates.get(name)!.map(({ perSecond }) => perSecond))
  const base = rateOf('plain loop, 50 writers on one model')
  printTable([
    ['', 'flushes/s', 'p99', 'to the plain loop'],
    ...[...rates].map(([name, list]) => [
      name,
      Math.round(rateOf(name)).toLocaleString('en'),
      `${median(list.map(({ times }) => percentile(times, 99))).toFixed(1)} ms`,
      ratio(rateOf(name) / base),
    ]),
  ])
  const large = rateOf('flushout, 50 models of 100 KB') / rateOf('flushout, 50 models of 4 KB')
  console.log(`\n100 KB documents at ${Math.round(large * 100)} % of the rate of 4 KB ones`)
  console.log(`${Math.round(median(wal))} bytes of write-ahead log a flush (two commands)`)
  await plain.close()
  await service.close()
  await printStarvation()
} finally {
  await client.end()
  await database.drop()
  await postgres.stop()
}

function withWriters(service: FlushoutService, name: string, keyOf: (writer: number) => string) {
  const writers = Array.from({ length: 50 }, (_, n) => new Writer(`${name}-${n}`))
  return (writer: number) => writers[writer]!.flush(service, keyOf(writer))
}

/** How long a writer waits at worst when several processes want one model. */
async function printStarvation(): Promise<void> {
  const { times, perSecond, busy } = await driveInstances(database.url, INSTANCES, 50)
  const at = (percent: number) => `${percentile(times, percent).toFixed(1)} ms`
  console.log(`\n50 writers on one model over ${INSTANCES} processes`)
  printTable([
    ['', 'flushes/s', 'p50', 'p99', 'slowest', 'told to come again'],
    ['flushout', Math.round(perSecond).toLocaleString('en'), at(50), at(99), at(100), `${busy}`],
  ])
}
