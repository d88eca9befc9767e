import { createDatabase } from '../support/postgres.ts'
import { storeContract } from '@flushout/server/testing'
import { describe, expect, inject, test } from 'vitest'
import { ALL_FAULTS } from './faults.ts'
import { MemoryDatabase } from './memory-database.ts'
import { simulate } from './pool.ts'
import { describeFailure } from './report.ts'
import type { Tally } from './tally.ts'
import { INVARIANTS } from './violation.ts'

const SEEDS = 10_000
const SEEDS_ON_POSTGRES = 400
const MINUTES = 60_000

/** Fail with the story of the run that failed. */
function expectSound({ failure }: Tally, on = ''): void {
  if (failure) throw new Error(describeFailure(failure, on))
}

describe('the database in memory keeps the contract of all stores', () => {
  storeContract(test, () => new MemoryDatabase().store)
})

test(
  `${Object.keys(INVARIANTS).length} promises hold in ${SEEDS} runs with ${ALL_FAULTS.length} kinds of faults`,
  { timeout: 10 * MINUTES },
  async () => {
    const tally = await simulate({ from: 1, count: SEEDS })
    expectSound(tally)
    expect(tally.runs).toBe(SEEDS)
    expect(tally.repeated).toBe(SEEDS / 100)
    // What never strikes shows nothing.
    const rare = ALL_FAULTS.filter((fault) => tally.faults[fault]! < 10)
    expect(rare).toEqual([])
  },
)

test(
  `they hold on the real tables and statements, in ${SEEDS_ON_POSTGRES} runs`,
  { timeout: 10 * MINUTES },
  async () => {
    const database = await createDatabase(inject('postgresUrl'))
    try {
      const tally = await simulate({
        from: 1,
        count: SEEDS_ON_POSTGRES,
        postgresUrl: database.url,
        batch: 10,
      })
      expectSound(tally, ' --postgres')
      expect(tally.runs).toBe(SEEDS_ON_POSTGRES)
    } finally {
      await database.drop()
    }
  },
)
