import type { FlushoutService } from '@flushout/server'
import type { Meters, Rate } from '../../harness/rates.ts'
import type { Column } from '../../harness/section.ts'
import { Writer } from '../load.ts'
import type { MeasuredPostgres } from '../postgres.ts'

export const WRITERS = 50

/** Writers of some models, and what they were answered. */
export class Writers {
  readonly #service: FlushoutService
  readonly #keys: readonly string[]
  readonly #writers: readonly Writer[]

  /** Each writes to a model of its own, or all to one if there is but one key. */
  constructor(service: FlushoutService, name: string, models = WRITERS) {
    this.#service = service
    this.#keys = Array.from({ length: WRITERS }, (_, n) => `${name}:${n % models}`)
    this.#writers = this.#keys.map((_, n) => new Writer(`${name}-${n}`))
  }

  readonly work = (writer: number): Promise<void> =>
    this.#writers[writer]!.flush(this.#service, this.#keys[writer]!)

  /** Two commands of each flush that was answered are in the store, and no more. */
  async check({ client }: MeasuredPostgres): Promise<void> {
    const { rows } = await client.query(
      'select sum(command_count) as count from flushout.model where key = any ($1)',
      [this.#keys],
    )
    const count = Number((rows[0] as { count: string }).count)
    const flushes = this.#writers.reduce((sum, writer) => sum + writer.flushes, 0)
    if (count !== flushes * 2) throw new Error(`${count} commands of ${flushes} flushes`)
  }
}

/** What a flush takes of the processors, and of the disk. */
export function costsOf(postgres: MeasuredPostgres): Meters {
  return {
    cpu: () => {
      const { user, system } = process.cpuUsage()
      return user + system + postgres.readCpu()
    },
    wal: () => postgres.readWal(),
  }
}

export const COST_COLUMNS: readonly Column[] = [
  { name: 'flushes', unit: '/s' },
  { name: 'p50', unit: 'ms' },
  { name: 'p99', unit: 'ms' },
  { name: 'processor', unit: 'µs' },
  { name: 'WAL', unit: 'B' },
]

/** One for each of `COST_COLUMNS`. */
export function costCells({ perSecond, p50, p99, spent }: Rate): number[] {
  return [perSecond, p50, p99, spent['cpu']!, spent['wal']!]
}
