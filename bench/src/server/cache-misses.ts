// A service whose cache holds a part of the models that it is asked for.
import { allowAnyone, createService, type FlushoutService, type ModelStore } from '@flushout/server'
import { compareRates } from '../harness/rates.ts'
import type { Section } from '../harness/section.ts'
import { countLoads, makeDocument, Writer } from './load.ts'
import type { MeasuredPostgres } from './postgres.ts'

const MODELS = 1_024
const WORKERS = 32
const DOCUMENT = makeDocument(10_000)
/** Room for about 100 of them; those that are read keep their text as well. */
const SMALL = { read: 2_150_000, write: 1_150_000 }
const LARGE = 1_000_000_000
/** What one who is being served takes; that may be on top. */
const SERVED = 40_000

interface Habit {
  readonly name: string
  readonly cacheBytes: number
  readonly pick: () => number
  readonly isWriting: boolean
}

/** The first is asked for twice as often as the second, three times as often as the third. */
function createZipf(): () => number {
  let sum = 0
  const sums = Array.from({ length: MODELS }, (_, rank) => (sum += 1 / (rank + 1)))
  return () => {
    const at = Math.random() * sum
    return sums.findIndex((upTo) => at < upTo)
  }
}

const evenly = () => Math.floor(Math.random() * MODELS)

const HABITS: readonly Habit[] = (['read', 'write'] as const).flatMap((verb) => {
  const isWriting = verb === 'write'
  const small = { cacheBytes: SMALL[verb], isWriting }
  return [
    { name: `${verb}, room for all`, cacheBytes: LARGE, pick: evenly, isWriting },
    { name: `${verb}, room for a tenth, by Zipf`, pick: createZipf(), ...small },
    { name: `${verb}, room for a tenth, evenly`, pick: evenly, ...small },
  ]
})

/** People of one habit, with a service and models of their own. */
class House {
  readonly habit: Habit
  readonly #place: number
  readonly #service: FlushoutService
  readonly #writers: readonly Writer[]
  loads = 0
  mostModels = 0

  constructor(store: ModelStore, habit: Habit, place: number) {
    this.habit = habit
    this.#place = place
    this.#service = createService({
      store: countLoads(store, () => (this.loads += 1)),
      authorize: allowAnyone,
      models: [{ pattern: 'miss:*:*', initial: DOCUMENT }],
      limits: { cacheBytes: habit.cacheBytes },
    })
    // One for each model.
    this.#writers = Array.from({ length: MODELS }, () => new Writer(`writer-${place}`))
  }

  /** Have all models made, and those in memory that there is room for. */
  async open(): Promise<void> {
    let next = 0
    const work = async () => {
      while (next < MODELS) await this.#ask(next++)
    }
    await Promise.all(Array.from({ length: WORKERS }, work))
    this.loads = 0
  }

  readonly work = async (worker: number): Promise<void> => {
    const { pick, cacheBytes } = this.habit
    // Nobody waits for somebody else's flush: each has the models of one row.
    const model = pick()
    await this.#ask(model - (model % WORKERS) + worker)
    const { models, bytes } = this.#service.usage
    this.mostModels = Math.max(this.mostModels, models)
    if (bytes > cacheBytes + WORKERS * SERVED) throw new Error(`${bytes} characters in memory`)
  }

  async #ask(model: number): Promise<void> {
    const key = this.#keyOf(model)
    if (this.habit.isWriting) await this.#writers[model]!.flush(this.#service, key)
    else await this.#service.snapshotText(key)
  }

  /** Two commands of each flush that was answered are in the store, and no more. */
  async check({ client }: MeasuredPostgres): Promise<void> {
    const { rows } = await client.query(
      'select sum(command_count) as count from flushout.model where key like $1',
      [this.#keyOf('%')],
    )
    const count = Number((rows[0] as { count: string }).count)
    const flushes = this.#writers.reduce((sum, writer) => sum + writer.flushes, 0)
    if (count !== flushes * 2) throw new Error(`${count} commands of ${flushes} flushes`)
  }

  #keyOf(model: number | string): string {
    return `miss:${this.#place}:${model}`
  }
}

export async function measureMisses(
  postgres: MeasuredPostgres,
  store: ModelStore,
  signal: AbortSignal,
): Promise<Section> {
  const houses = HABITS.map((habit, index) => new House(store, habit, index))
  for (const house of houses) {
    signal.throwIfAborted()
    await house.open()
  }
  const loads = () => houses.reduce((sum, house) => sum + house.loads, 0)
  const rates = await compareRates(
    houses.map(({ habit: { name }, work }) => ({ name, workers: WORKERS, work })),
    // Only one of the houses is at work at a time.
    { signal, rounds: 3, roundMs: 800, meters: { loads } },
  )
  for (const house of houses) await house.check(postgres)
  return {
    id: 'misses',
    title: `${WORKERS} at a time read or write ${MODELS.toLocaleString('en')} models of 10 KB, of which memory holds all or a tenth`,
    columns: [
      { name: 'answers', unit: '/s' },
      { name: 'p50', unit: 'ms' },
      { name: 'p99', unit: 'ms' },
      { name: 'found in memory', unit: '%' },
      { name: 'most in memory', unit: '' },
    ],
    rows: houses.map(({ habit: { name }, mostModels }) => {
      const { perSecond, p50, p99, spent } = rates.get(name)!
      const found = 100 * (1 - spent['loads']!)
      return { name, values: [perSecond, p50, p99, found, mostModels] }
    }),
  }
}
