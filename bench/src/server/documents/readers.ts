import { PROTOCOL } from '@flushout/core'
import type { FlushoutService } from '@flushout/server'
import { compareRates } from '../../harness/rates.ts'
import type { Section } from '../../harness/section.ts'
import { createFlushout, makeDocument } from '../load.ts'
import type { MeasuredPostgres } from '../postgres.ts'
import { COST_COLUMNS, costCells, costsOf, Writers, WRITERS } from './writers.ts'

const READERS = [0, 100, 1_000]

/** Those who follow one model in this process, as streams do before they write to a socket. */
class Audience {
  readonly #service: FlushoutService
  readonly #key: string
  readonly #at: number[] = []
  told = 0

  constructor(service: FlushoutService, key: string) {
    this.#service = service
    this.#key = key
  }

  async join(size: number): Promise<void> {
    const { hash, commandCount: from } = await this.#service.snapshot(this.#key)
    const models = { [this.#key]: { from, hash } }
    for (let reader = 0; reader < size; reader += 1) {
      this.#at.push(from)
      const sink = {
        write: ({ event, bytes }: { event: { event: string }; bytes: Buffer }) => {
          if (event.event !== 'updates' || bytes.length === 0) return true
          this.told += 1
          this.#at[reader] = (event as unknown as { commandCount: number }).commandCount
          return true
        },
        end: () => {},
      }
      const request = { protocol: PROTOCOL, models } as const
      await this.#service.live(
        request,
        () => sink,
        async () => undefined,
      ).started
    }
  }

  /** Everybody was told of everything. */
  async check(): Promise<void> {
    const { commandCount } = await this.#service.snapshot(this.#key)
    const behind = this.#at.filter((count) => count !== commandCount)
    if (behind.length > 0) throw new Error(`${behind.length} readers are not at ${commandCount}`)
  }
}

/** Flushes to one model, by how many follow it. */
export async function measureReaders(
  postgres: MeasuredPostgres,
  signal: AbortSignal,
): Promise<Section> {
  const document = makeDocument(4_000)
  const service = await createFlushout(
    postgres.url,
    Object.fromEntries(READERS.map((size) => [`read${size}`, document])),
  )
  const crowds = READERS.map((size) => ({
    name: `${size.toLocaleString('en')} readers`,
    audience: new Audience(service, `read${size}:0`),
    writers: new Writers(service, `read${size}`, 1),
  }))
  for (const [index, size] of READERS.entries()) await crowds[index]!.audience.join(size)
  const told = () => crowds.reduce((sum, { audience }) => sum + audience.told, 0)
  const rates = await compareRates(
    crowds.map(({ name, writers }) => ({ name, workers: WRITERS, work: writers.work })),
    // Only one of the models is written to at a time.
    { signal, rounds: 3, roundMs: 1000, meters: { ...costsOf(postgres), told } },
  )
  for (const { audience, writers } of crowds) {
    await writers.check(postgres)
    await audience.check()
  }
  await service.close()
  return {
    id: 'readers',
    title: `Flushes of two commands by ${WRITERS} writers to one model of 4 KB, by how many follow it in the process`,
    columns: [...COST_COLUMNS, { name: 'events', unit: '/s' }],
    rows: crowds.map(({ name }) => {
      const rate = rates.get(name)!
      return { name, values: [...costCells(rate), rate.spent['told']! * rate.perSecond] }
    }),
  }
}
