// Reads the tables as they are, by nothing that servers read them with.
import type { EntryNote, LogEntry } from '@flushout/core'
import { digest } from '../digest.ts'
import type { PostgresClient } from '../postgres-pool.ts'
import { ModelAudit, type StoredDocument, type StoredEntry } from './model-audit.ts'

type Row = Record<string, unknown>
type Query = (text: string, values?: unknown[]) => Promise<Row[]>

const KEYS_AT_ONCE = 500
const ENTRIES_AT_ONCE = 200

/** What a check of a database tells while it goes on. */
export type VerifyEvent =
  | {
      readonly kind: 'model'
      readonly checked: number
      readonly models: number
      /** Entries, so far, from which something was erased. */
      readonly erased: number
    }
  | { readonly kind: 'fault'; readonly fault: string }

/**
 * Check all models whose tables lie in `schema`, and tell each fault. Only reads: each model
 * as of one moment, while servers go on.
 */
export async function* verifyDatabase(
  client: Pick<PostgresClient, 'query'>,
  schema: string,
): AsyncGenerator<VerifyEvent> {
  const query: Query = async (text, values = []) =>
    (await client.query({ text: text.replaceAll('$schema', `"${schema}"`), values })).rows
  const [{ count } = {}] = await query('select count(*) from $schema.model')
  const models = Number(count)
  let checked = 0
  let erased = 0
  for await (const key of listKeys(query)) {
    const audit = await verifyModel(query, key)
    for (const fault of audit?.findings ?? []) {
      yield { kind: 'fault', fault: `${key}: ${fault}` }
    }
    checked += 1
    erased += audit?.erased ?? 0
    yield { kind: 'model', checked, models: Math.max(models, checked), erased }
  }
  for (const fault of await findOrphans(query)) yield { kind: 'fault', fault }
}

async function* listKeys(query: Query): AsyncGenerator<string> {
  const page = 'select key from $schema.model where key > $1 order by key limit $2'
  for (let after = ''; ;) {
    const rows = await query(page, [after, KEYS_AT_ONCE])
    for (const row of rows) yield row['key'] as string
    if (rows.length < KEYS_AT_ONCE) return
    after = rows.at(-1)!['key'] as string
  }
}

async function verifyModel(query: Query, key: string): Promise<ModelAudit | undefined> {
  await query('begin isolation level repeatable read read only')
  try {
    const [row] = await query('select * from $schema.model where key = $1', [key])
    // Deleted meanwhile.
    if (!row) return undefined
    const kept =
      'select count, hash, document from $schema.checkpoint where key = $1 order by count'
    const checkpoints = [...(await query(kept, [key])).map(toDocument), toCurrent(row)]
    const audit = new ModelAudit(
      {
        floor: { commandCount: Number(row['floor_count']), hash: row['floor_hash'] as string },
        head: { commandCount: Number(row['command_count']), hash: row['hash'] as string },
        checkpoints: checkpoints.toSorted((a, b) => a.commandCount - b.commandCount),
        lastExpired: row['last_expired'] as string,
      },
      digest,
    )
    for await (const entry of readLog(query, key)) audit.add(entry)
    const clients = await query('select client_id, sequence from $schema.client where key = $1', [
      key,
    ])
    audit.end(new Map(clients.map((one) => [one['client_id'] as string, Number(one['sequence'])])))
    return audit
  } finally {
    await query('rollback')
  }
}

async function* readLog(query: Query, key: string): AsyncGenerator<StoredEntry> {
  const page = `
    select from_count, to_count, hash, client_id, sequence, user_id, at, commands::text as text,
      notes::text as notes, salt, seal
    from $schema.flush where key = $1 and ($2::bigint is null or to_count > $2)
    order by to_count limit $3`
  for (let after: number | null = null; ;) {
    const rows = await query(page, [key, after, ENTRIES_AT_ONCE])
    for (const row of rows) yield toEntry(row)
    if (rows.length < ENTRIES_AT_ONCE) return
    after = Number(rows.at(-1)!['to_count'])
  }
}

/** Rows that belong to no model: of each table the first. */
async function findOrphans(query: Query): Promise<string[]> {
  const faults: string[] = []
  for (const table of ['flush', 'client', 'checkpoint']) {
    const [row] = await query(`
      select o.key from $schema.${table} o
      where not exists (select 1 from $schema.model m where m.key = o.key) limit 1`)
    if (row) faults.push(`${String(row['key'])}: the table ${table} has rows of it, but no model`)
  }
  return faults
}

function toDocument(row: Row): StoredDocument {
  const { count, hash, document } = row
  return { commandCount: Number(count), hash: hash as string, text: document as string }
}

function toCurrent(row: Row): StoredDocument {
  return {
    commandCount: Number(row['checkpoint_count']),
    hash: row['checkpoint_hash'] as string,
    text: row['checkpoint'] as string,
  }
}

function toEntry(row: Row): StoredEntry {
  const commands: unknown = JSON.parse(row['text'] as string)
  return {
    from: Number(row['from_count']),
    to: Number(row['to_count']),
    hash: row['hash'] as string,
    clientId: row['client_id'] as string,
    sequence: Number(row['sequence']),
    userId: row['user_id'] as string | null,
    at: Number(row['at']),
    commands: (Array.isArray(commands) ? commands : []) as LogEntry['commands'],
    ...(row['notes'] !== null && { notes: JSON.parse(row['notes'] as string) as EntryNote[] }),
    salt: row['salt'] as string,
    ...(row['seal'] !== null && { seal: row['seal'] as string }),
  }
}
