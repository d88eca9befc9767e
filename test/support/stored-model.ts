import { Master, type LogEntry, type Snapshot } from '@flushout/core'
import { hash } from 'node:crypto'
import pg from 'pg'
import type {
  Point,
  StoredDocument,
  StoredEntry,
} from '../../packages/server/src/verify/model-audit.ts'

/** A model as its rows are, read by nothing of the product. */
export interface AuditedModel {
  readonly key: string
  readonly head: Point
  readonly floor: Point
  readonly checkpoint: Snapshot
  /** That one and those that were kept, by count. */
  readonly checkpoints: readonly StoredDocument[]
  /** In order of the count that they lead to. */
  readonly log: readonly StoredEntry[]
  /** The last sequence of each client. */
  readonly clients: ReadonlyMap<string, number>
  /** Clients with ids up to this one may have no row any more. */
  readonly lastExpired: string
}

/** Read all models of a database as of one moment. */
export async function readModels(url: string, schema = 'flushout'): Promise<AuditedModel[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const read = async (columns: string, from: string): Promise<unknown[]> =>
    (await client.query(`select ${columns} from ${schema}.${from}`)).rows
  try {
    await client.query('begin isolation level repeatable read read only')
    const models = (await read('*', 'model order by key')) as ModelRow[]
    const log = await read(
      '*, commands::text as text, notes::text as note_text',
      'flush order by key, to_count',
    )
    const clients = await read('key, client_id, sequence', 'client')
    const kept = await read('*', 'checkpoint')
    return models.map((row) =>
      toModel(row, ofModel(row, log), ofModel(row, clients), ofModel(row, kept)),
    )
  } finally {
    await client.end()
  }
}

/** The hash of a history that goes on from `previous` with `entry`. */
export function chainHash(previous: string, entry: LogEntry): string {
  const { clientId, sequence, userId, at, commands, notes = [], salt } = entry
  const seal = entry.seal ?? digest(salt + JSON.stringify([commands, notes]))
  return digest(previous + JSON.stringify([clientId, sequence, userId, at, seal]))
}

/** The document at the head: the checkpoint with what came after it. Throws if that does not fit. */
export function replay({ checkpoint, log }: AuditedModel): Snapshot {
  const createId = () => {
    throw new Error('An entry of the log has a create without an id.')
  }
  const master = new Master(checkpoint, { createId, digest })
  master.advance(log.filter(({ to }) => to > checkpoint.commandCount))
  return master.snapshot()
}

/** What the server does, written once more: one mistake must not hide in both. */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22)
}

interface ModelRow {
  key: string
  command_count: string
  hash: string
  floor_count: string
  floor_hash: string
  checkpoint_count: string
  checkpoint_hash: string
  checkpoint: string
  last_expired: string
}

interface FlushRow {
  key: string
  from_count: string
  to_count: string
  hash: string
  client_id: string
  sequence: string
  user_id: string | null
  at: string
  text: string
  note_text: string | null
  salt: string
  seal: string | null
}

interface CheckpointRow {
  key: string
  count: string
  hash: string
  document: string
}

interface ClientRow {
  key: string
  client_id: string
  sequence: string
}

function ofModel(model: ModelRow, rows: unknown[]): never[] {
  return rows.filter((row) => (row as { key: string }).key === model.key) as never[]
}

function toModel(
  row: ModelRow,
  log: FlushRow[],
  clients: ClientRow[],
  kept: CheckpointRow[],
): AuditedModel {
  const { key, command_count, hash, floor_count, floor_hash } = row
  return {
    key,
    head: { commandCount: Number(command_count), hash },
    floor: { commandCount: Number(floor_count), hash: floor_hash },
    checkpoint: {
      commandCount: Number(row.checkpoint_count),
      hash: row.checkpoint_hash,
      document: JSON.parse(row.checkpoint) as Snapshot['document'],
    },
    checkpoints: [
      ...kept.map((one) => ({
        commandCount: Number(one.count),
        hash: one.hash,
        text: one.document,
      })),
      {
        commandCount: Number(row.checkpoint_count),
        hash: row.checkpoint_hash,
        text: row.checkpoint,
      },
    ].toSorted((a, b) => a.commandCount - b.commandCount),
    log: log.map(toEntry),
    lastExpired: row.last_expired,
    clients: new Map(clients.map(({ client_id, sequence }) => [client_id, Number(sequence)])),
  }
}

function toEntry(row: FlushRow): StoredEntry {
  return {
    from: Number(row.from_count),
    to: Number(row.to_count),
    hash: row.hash,
    clientId: row.client_id,
    sequence: Number(row.sequence),
    userId: row.user_id,
    at: Number(row.at),
    commands: JSON.parse(row.text) as StoredEntry['commands'],
    ...(row.note_text !== null && { notes: JSON.parse(row.note_text) as never }),
    salt: row.salt,
    ...(row.seal !== null && { seal: row.seal }),
  }
}
