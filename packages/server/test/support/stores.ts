import { memoryStore, postgresStore, type ModelStore } from '@flushout/server'
import { afterAll, beforeAll, inject } from 'vitest'
import { createDatabase, type Database } from '../../../../test/support/postgres.ts'

/** Stores for the tests of a file, with a database that is there while they run. */
export interface Stores {
  /** Of the database. */
  readonly url: string
  /** Open a store whose tables lie in `schema`, and are made if they are not there. */
  openPostgres(schema: string): Promise<ModelStore>
  /** How to open each kind, for what has to hold with both. */
  readonly both: { readonly [name: string]: (schema: string) => Promise<ModelStore> }
}

/** To be called once, before the tests. */
export function useStores(): Stores {
  let database: Database | undefined
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'))
  })
  afterAll(() => database?.drop())
  const openPostgres = async (schema: string): Promise<ModelStore> => {
    const store = postgresStore({ connectionString: database!.url, schema })
    await store.migrate()
    return store
  }
  return {
    get url() {
      return database!.url
    },
    openPostgres,
    both: { memoryStore: async () => memoryStore(), postgresStore: openPostgres },
  }
}
