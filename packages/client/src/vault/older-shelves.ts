// What pages of an older version left of a model lies in shelves of its own, which only they
// write while they live: they could not read what a newer page writes. A newer page takes
// over what they leave. Edits stay what they are, and go to the server as what they were
// written for; the document is migrated here, to have something to show until the server
// has sent its own.
import { CommandProxy, FIRST_VERSION, type ModelVersions, type Snapshot } from '@flushout/core'
import type { ClientStorage, StorageChange } from '../storage/client-storage.ts'
import {
  readShelf,
  type SessionRow,
  type Shelf,
  type ShelfKeys,
  type StoredSession,
} from './shelf.ts'

/** All that is on disk of one model, with the sessions that lie in older shelves. */
export async function readShelves(storage: ClientStorage, keys: ShelfKeys): Promise<Shelf> {
  const shelf = readShelf(await storage.read(keys.all))
  const older = await Promise.all(
    keys.older.map(async (home) => {
      const left = readShelf(await storage.read(home.all))
      return { ...left, home, sessions: left.sessions.map((session) => ({ ...session, home })) }
    }),
  )
  const sessions = [...shelf.sessions, ...older.flatMap((left) => left.sessions)]
  return { ...shelf, sessions, older }
}

/** The pages that there are edits of, without all else that is on disk. */
export async function readPages(
  storage: ClientStorage,
  keys: ShelfKeys,
): Promise<readonly string[]> {
  const shelves = [keys, ...keys.older]
  const rows = await Promise.all(shelves.map(({ sessions }) => storage.read(sessions)))
  return rows.flat().map(({ value }) => (value as unknown as SessionRow).page)
}

/**
 * Take over documents and losses from older shelves, and clear away those that nobody needs
 * any more once `dead` are taken out of them.
 */
export function bringOver(
  shelf: Shelf,
  {
    keys,
    dead,
    versions,
  }: {
    readonly keys: ShelfKeys
    readonly dead: readonly StoredSession[]
    readonly versions: ModelVersions | undefined
  },
): { readonly shelf: Shelf; readonly changes: readonly StorageChange[] } {
  const changes: StorageChange[] = []
  let { snapshot } = shelf
  for (const older of versions ? shelf.older : []) {
    const { home, losses, sessions } = older
    changes.push(...losses.map(({ id }) => home.withoutLost(id)))
    changes.push(...losses.map(({ id, lost }) => keys.lost(id, lost)))
    const isOver = sessions.every((session) => dead.includes(session))
    if (shelf.snapshot && isOver) changes.push({ deleteAll: home.all })
    snapshot ??= migrate(older, versions!)
  }
  const losses = [...shelf.older.flatMap((older) => older.losses), ...shelf.losses]
  return { shelf: { ...shelf, snapshot, losses }, changes }
}

/** The document as this version has it; the server vouched only for what it was. */
function migrate(
  { snapshot, records }: Pick<Shelf, 'snapshot' | 'records'>,
  versions: ModelVersions,
): Snapshot | undefined {
  if (!snapshot) return undefined
  try {
    const options = { createId: () => '~', now: () => 0, records }
    const confirmed = new CommandProxy(snapshot, options).confirmedSnapshot()
    const { commandCount, document, schema = FIRST_VERSION } = confirmed
    const { version } = versions
    if (schema >= version) return confirmed
    return { commandCount, hash: '', document: versions.migrate(document, schema), schema: version }
  } catch {
    // The server has it, too.
    return undefined
  }
}
