import { memoryStore, postgresStore } from '@flushout/server'
import { storeContract } from '@flushout/server/testing'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import type { ModelStore } from '@flushout/server'
import { createDatabase } from '../../../test/support/postgres.ts'

describe('memoryStore', () => {
  storeContract(test, () => memoryStore())
})

for (const isolation of ['read committed', 'serializable']) {
  describe(`postgresStore, ${isolation}`, () => {
    const opened: { store?: ModelStore; close?: () => Promise<void> } = {}
    beforeAll(async () => {
      const database = await createDatabase(inject('postgresUrl'))
      const url = new URL(database.url)
      url.searchParams.set(
        'options',
        `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`,
      )
      const store = postgresStore({ connectionString: url.href })
      await store.migrate()
      opened.store = store
      opened.close = async () => {
        await store.close()
        await database.drop()
      }
    })
    afterAll(() => opened.close?.())
    storeContract(test, () => opened.store!)
  })
}
