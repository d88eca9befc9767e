import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../../../test/support/postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `createDatabase` may make databases. */
    postgresUrl: string
  }
}

/** Start one Postgres for the whole run, or use that of DATABASE_URL. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['DATABASE_URL']
  // Without fsync: these tests kill nothing.
  const server = given ? undefined : await startPostgres({ fsync: false })
  project.provide('postgresUrl', given ?? server!.url)
  return async () => server?.stop()
}
