import { FlushoutError } from '@flushout/core'
import { migrations } from './postgres-migrations.ts'
import type { PostgresClient } from './postgres-pool.ts'

const OLDEST_VERSION = 140_000

/**
 * Bring the tables in `schema` up to date, after a look whether the server can
 * be trusted with them. Twenty instances may do so at once: one does the work,
 * the others wait for it.
 */
export async function migrate(
  client: PostgresClient,
  schema: string,
  options: { readonly allowAsynchronousCommit: boolean },
): Promise<void> {
  await checkServer(client, options.allowAsynchronousCommit)
  if ((await readVersion(client, schema)) >= migrations.length) return
  // Whatever the default isolation is: after the wait for the lock, what the
  // one before committed has to be seen.
  await client.query({ text: 'begin isolation level read committed' })
  await client.query({
    text: 'select pg_advisory_xact_lock(73057, hashtext($1))',
    values: [schema],
  })
  const version = await readVersion(client, schema)
  if (version === 0) await createSchema(client, schema)
  for (let number = version + 1; number <= migrations.length; number += 1) {
    await client.query({ text: migrations[number - 1]!(`"${schema}"`) })
    await client.query({
      text: `insert into "${schema}".migration (number) values ($1)`,
      values: [number],
    })
  }
  await client.query({ text: 'commit' })
}

async function checkServer(
  client: PostgresClient,
  allowAsynchronousCommit: boolean,
): Promise<void> {
  const { rows } = await client.query({
    text: `select current_setting('server_version_num')::int as version,
      current_setting('synchronous_commit') as commits`,
  })
  const { version, commits } = rows[0] as { version: number; commits: string }
  if (version < OLDEST_VERSION) {
    throw new FlushoutError('OPTIONS_INVALID', `Postgres 14 or newer is needed, not ${version}.`)
  }
  if (commits === 'off' && !allowAsynchronousCommit) {
    throw new FlushoutError(
      'OPTIONS_INVALID',
      'With synchronous_commit off, Postgres forgets acknowledged flushes when it crashes. ' +
        'Turn it on, or accept that with `allowAsynchronousCommit: true`.',
    )
  }
}

async function readVersion(client: PostgresClient, schema: string): Promise<number> {
  // Not to_regclass: it would not see what the one before created while this
  // session waited for the lock.
  const { rows: found } = await client.query({
    text: `select 1 from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = 'migration'`,
    values: [schema],
  })
  if (found.length === 0) return 0
  const { rows } = await client.query({
    text: `select coalesce(max(number), 0) as version from "${schema}".migration`,
  })
  return rows[0]!['version'] as number
}

async function createSchema(client: PostgresClient, schema: string): Promise<void> {
  await client.query({ text: `create schema if not exists "${schema}"` })
  await client.query({
    text: `create table "${schema}".migration (
      number int primary key, applied_at timestamptz not null default now()
    )`,
  })
}
