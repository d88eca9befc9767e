// Erasing is rare and reads the whole history of one model, so its statements are not
// prepared. All of it is one transaction: nobody sees a history of which half is erased.
import type { Path } from '@flushout/core'
import { Erasure } from './erasure.ts'
import type { PostgresClient } from './postgres-pool.ts'
import { CLIENT_COLUMNS, ENTRY_COLUMNS, toClient, toEntry, toRow } from './postgres-rows.ts'
import type { Erased } from './store.ts'

type Row = Record<string, unknown>
type Ask = (text: string, ...values: unknown[]) => Promise<Row[]>

const PAGE = 200

/** Erase what lies at or below `path` up to the count `until`. Within a transaction. */
export async function erase(
  client: PostgresClient,
  schema: string,
  key: string,
  path: Path,
  until: number,
): Promise<Erased | undefined> {
  const ask: Ask = async (text, ...values) =>
    (await client.query({ text: text.replaceAll('$schema', schema), values: [key, ...values] }))
      .rows
  const erasure = new Erasure(path)
  // Nobody changes entries that are there, so the long part goes without the lock that
  // writers of the model wait for.
  await eraseEntries(ask, until, erasure)
  const [model] = await ask('select checkpoint_count from $schema.model where key = $1 for update')
  if (!model) return undefined
  await eraseKept(ask, until, erasure)
  await eraseClients(ask, erasure)
  await eraseCurrent(ask, until, erasure)
  return erasure.done
}

async function eraseEntries(ask: Ask, until: number, erasure: Erasure): Promise<void> {
  const page = `
    select json_build_array(${ENTRY_COLUMNS}) as entry, f.to_count from $schema.flush f
    where f.key = $1 and f.to_count > $2 and f.to_count <= $3 order by f.to_count limit ${PAGE}`
  const write = `
    update $schema.flush set commands = $3::json, notes = $4::json, salt = $5, seal = $6, bytes = $7
    where key = $1 and to_count = $2`
  for (let after = 0; ;) {
    const rows = await ask(page, after, until)
    for (const row of rows) {
      const entry = erasure.entry(toEntry(toRow(row['entry'])))
      if (!entry) continue
      const commands = JSON.stringify(entry.commands)
      const notes = entry.notes ? JSON.stringify(entry.notes) : null
      const bytes = commands.length + (notes?.length ?? 0)
      await ask(write, row['to_count'], commands, notes, entry.salt, entry.seal, bytes)
    }
    if (rows.length < PAGE) return
    after = Number(rows.at(-1)!['to_count'])
  }
}

async function eraseKept(ask: Ask, until: number, erasure: Erasure): Promise<void> {
  const counts = 'select count from $schema.checkpoint where key = $1 and count < $2'
  for (const { count } of await ask(counts, until)) {
    const one = 'from $schema.checkpoint where key = $1 and count = $2'
    const [row] = await ask(`select document ${one}`, count)
    const document = row && erasure.document(row['document'] as string)
    if (document === undefined) continue
    const write = 'update $schema.checkpoint set document = $3 where key = $1 and count = $2'
    await ask(write, count, document)
  }
}

async function eraseClients(ask: Ask, erasure: Erasure): Promise<void> {
  // Most answers tell of nothing.
  const page = `
    select json_build_array(${CLIENT_COLUMNS}) as client, c.client_id from $schema.client c
    where c.key = $1 and c.client_id > $2 and c.answer::text <> '{"verdicts":[],"remaps":[]}'
    order by c.client_id limit ${PAGE}`
  const write = 'update $schema.client set answer = $3::json where key = $1 and client_id = $2'
  for (let after = ''; ;) {
    const rows = await ask(page, after)
    for (const row of rows) {
      const record = erasure.client(toClient(toRow(row['client'])))
      if (record) await ask(write, record.clientId, JSON.stringify(record.answer))
    }
    if (rows.length < PAGE) return
    after = rows.at(-1)!['client_id'] as string
  }
}

async function eraseCurrent(ask: Ask, until: number, erasure: Erasure): Promise<void> {
  const [row] = await ask(
    'select checkpoint from $schema.model where key = $1 and checkpoint_count < $2',
    until,
  )
  const document = row && erasure.document(row['checkpoint'] as string)
  const write = `
    update $schema.model set checkpoint = coalesce($2, checkpoint),
      revision = revision + 1, erasures = erasures + 1
    where key = $1`
  await ask(write, document ?? null)
}
