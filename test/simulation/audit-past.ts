import {
  endOf,
  isFlushoutError,
  Master,
  type JsonObject,
  type Path,
  type Snapshot,
} from '@flushout/core'
import type { FlushoutService } from '@flushout/server'
import type { Chronicle } from './chronicle.ts'
import type { Deeds, Erasing } from './deeds.ts'
import { Violation } from './violation.ts'
import type { Stage } from './stage.ts'

/** A scene that is at rest. */
interface Scene extends Stage {
  readonly servers: readonly {
    readonly name: string
    readonly service: FlushoutService | undefined
  }[]
  /** Let time pass until `promise` settles. */
  wait<Result>(promise: Promise<Result>): Promise<Result>
}

/** What a version is compared with. */
interface Known {
  readonly chronicle: Chronicle
  readonly deeds: Deeds
  /** What was told to be gone before the version was asked for. */
  readonly erased: readonly Erasing[]
}

/** Who asks for versions, and may always read. */
export const CLERK = { id: 'clerk' }
/** So many versions of each model are read at rest, of each server. */
const VERSIONS = 4

/** What was erased is nowhere, and old versions are what they were but for that. */
export async function auditPast(scene: Scene): Promise<void> {
  const { plan, deeds, chronicle, database } = scene
  const erased = deeds.erasings.filter(({ isDone }) => isDone)
  for (const key of plan.keys) {
    checkErased(`the database, of ${key},`, key, await database.texts(key), { chronicle, erased })
    const head = chronicle.head(key)
    for (const { name, service } of scene.servers) {
      for (let step = 0; step < VERSIONS; step += 1) {
        const count = Math.floor((head * step) / (VERSIONS - 1))
        const version = await readVersion(scene, service!, key, count)
        if (version) checkVersion(key, count, version, { chronicle, deeds, erased }, name)
      }
    }
  }
}

/** A version; undefined if it may be gone, and is. */
async function readVersion(
  scene: Scene,
  service: FlushoutService,
  key: string,
  count: number,
): Promise<Snapshot | undefined> {
  try {
    return await scene.wait(service.snapshotAt(key, count, CLERK))
  } catch (error) {
    const mayBeGone = scene.plan.history !== 'all' || scene.chronicle.rewrites(key) > 0
    if (isFlushoutError(error) && error.code === 'VERSION_NOT_FOUND' && mayBeGone) return undefined
    if (error instanceof Violation) throw error
    throw new Violation('remembered', `version ${count} of ${key} cannot be read`, {
      found: String(error),
    })
  }
}

/** Compare a version with what the history comes to up to there. */
export function checkVersion(
  key: string,
  count: number,
  { commandCount, hash, document }: Snapshot,
  known: Known,
  server = 'a server',
): void {
  const { deeds, chronicle } = known
  const expected = replayTo(key, count, chronicle)
  const paths = deeds.erasings.flatMap((one) => (one.key === key ? [one.path] : []))
  const mask = (whole: JsonObject) => JSON.stringify(paths.reduce(without, whole))
  const isThere = commandCount === count && hash === expected.hash
  if (!isThere || mask(document) !== mask(expected.document)) {
    throw new Violation('remembered', `${server} has another version ${count} of ${key}`, {
      expected,
      found: { commandCount, hash, document },
    })
  }
  checkErased(`version ${count} of ${server}`, key, JSON.stringify(document), known)
}

/** Nothing says any more what was told to be erased. */
export function checkErased(
  what: string,
  key: string,
  text: string,
  { chronicle, erased }: Pick<Known, 'chronicle' | 'erased'>,
): void {
  for (const { key: of, path, secrets, rewrites } of erased) {
    // What is put back brings back what was erased.
    if (of !== key || chronicle.rewrites(key) > rewrites) continue
    const found = secrets.find((secret) => text.includes(secret))
    if (found === undefined) continue
    throw new Violation('erased', `${what} still holds what was at ${path.join('/')}`, { found })
  }
}

function replayTo(
  key: string,
  count: number,
  chronicle: Chronicle,
): { readonly hash: string; readonly document: JsonObject } {
  const { genesis, entries } = chronicle.annals(key)!
  const { commandCount, hash, text } = genesis
  const document = JSON.parse(text) as JsonObject
  const options = { createId: () => 'unused', digest: () => '', maxHistoryBytes: 0 }
  const master = new Master({ commandCount, hash, document }, options)
  for (const entry of entries) {
    if (entry.from >= count) break
    const isCut = endOf(entry) > count
    const commands = isCut ? entry.commands.slice(0, count - entry.from) : entry.commands
    master.advance([{ ...entry, commands, hash: isCut ? '' : entry.hash }])
  }
  return { hash: master.hash, document: master.snapshot().document }
}

/** A document with null where something lies at `path`. */
function without(document: JsonObject, [key, ...rest]: Path): JsonObject {
  if (key === undefined || !Object.hasOwn(document, key)) return document
  const value = document[key]
  if (rest.length === 0) return { ...document, [key]: null }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return document
  return { ...document, [key]: without(value as JsonObject, rest) }
}
