import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { createDatabase, startPostgres } from '../../../test/support/postgres.ts'

/** A real Postgres with fsync on, an empty database, and what is spent there. */
export interface MeasuredPostgres {
  readonly url: string
  /** For questions of the benchmark itself. */
  readonly client: pg.Client
  /** The write-ahead log so far, in bytes. */
  readWal(): Promise<number>
  /** Time of the processor of all its processes so far, in microseconds; Linux only. */
  readCpu(): number
}

/** Start a Postgres for as long as `run` takes. */
export async function withPostgres<Result>(
  run: (postgres: MeasuredPostgres) => Promise<Result>,
): Promise<Result> {
  const postgres = await startPostgres()
  try {
    const { url } = await createDatabase(postgres.url)
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      const { rows } = await client.query('select pg_backend_pid() as pid')
      const parent = readStat((rows[0] as { pid: number }).pid)!.parent
      const readCpu = () => readFamily(parent)
      return await run({ url, client, readWal: () => readWal(client), readCpu })
    } finally {
      await client.end()
    }
  } finally {
    await postgres.stop()
  }
}

async function readWal(client: pg.Client): Promise<number> {
  const { rows } = await client.query(`select pg_current_wal_lsn() - '0/0'::pg_lsn as bytes`)
  return Number((rows[0] as { bytes: string }).bytes)
}

/** What the kernel counts in, as microseconds. */
const TICK = 10_000

interface Stat {
  readonly parent: number
  /** Of the process itself, and of its children that have ended. */
  readonly ticks: number
  readonly endedTicks: number
}

function readStat(pid: number | string): Stat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // It ended meanwhile.
    return undefined
  }
  // Behind the name, which may hold anything: state, parent, then many numbers.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15).map(Number)
  return {
    parent: Number(fields[1]),
    ticks: user + system,
    endedTicks: endedUser + endedSystem,
  }
}

function readFamily(parent: number): number {
  const own = readStat(parent)!
  let ticks = own.ticks + own.endedTicks
  for (const pid of readdirSync('/proc')) {
    const stat = /^\d+$/.test(pid) ? readStat(pid) : undefined
    if (stat?.parent === parent) ticks += stat.ticks
  }
  return ticks * TICK
}
