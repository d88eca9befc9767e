import { memoryStore, postgresStore, type ModelStore } from '@flushout/server'
import { hintsContract } from '@flushout/server/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { createDatabase, type Database } from '../../../test/support/postgres.ts'

describe('memoryStore', () => {
  const store = memoryStore()
  hintsContract(test, () => store.hints())
})

describe('postgresStore', () => {
  const world: { database?: Database; stores: ModelStore[] } = { stores: [] }
  const pools: pg.Pool[] = []
  const open = (store: ModelStore): ModelStore => {
    world.stores.push(store)
    return store
  }

  beforeAll(async () => {
    world.database = await createDatabase(inject('postgresUrl'))
  })

  afterAll(async () => {
    for (const store of world.stores) await store.close()
    for (const pool of pools) await pool.end()
    await world.database?.drop()
  })

  describe('each server with a store of its own', () => {
    hintsContract(test, () =>
      open(postgresStore({ connectionString: world.database!.url, schema: 'own' })).hints(),
    )
  })

  describe('servers that share a store', () => {
    const shared: { store?: ModelStore } = {}
    hintsContract(test, () => {
      shared.store ??= open(postgresStore({ connectionString: world.database!.url, schema: 'one' }))
      return shared.store.hints()
    })
  })

  describe('on a pool of the application', () => {
    hintsContract(test, () => {
      const pool = new pg.Pool({ connectionString: world.database!.url, max: 2 })
      pools.push(pool)
      return open(postgresStore({ pool, schema: 'lent' })).hints()
    })
  })
})
