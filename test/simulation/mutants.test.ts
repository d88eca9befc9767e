// Who tests the tests: mistakes that somebody might make, each of which has to
// be seen. They exist only while a process loads the sources; no file is changed.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase, type Database } from '../support/postgres.ts'
import { misfit } from './mutate.ts'
import { mutants } from './mutants.ts'
import { simulate } from './pool.ts'

const SEEDS = 10_000
const MINUTES = 60_000

let database: Database
beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
})
afterAll(() => database.drop())

test('there are at least twenty, each with a name and a place of its own', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(20)
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
  expect(mutants.flatMap((mutant) => misfit(mutant) ?? [])).toEqual([])
})

describe(`is seen within ${SEEDS} runs:`, () => {
  test.each(mutants)('$name', { timeout: 10 * MINUTES }, async (mutant) => {
    const onPostgres = mutant.database === 'postgres'
    const { failure } = await simulate({
      from: mutant.from ?? 1,
      count: SEEDS,
      mutant,
      batch: onPostgres ? 5 : 25,
      ...(onPostgres && { postgresUrl: database.url }),
    })
    expect(failure?.message, 'what the simulation says of it').toBeDefined()
  })
})
