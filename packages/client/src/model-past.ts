// Loaded when somebody asks for the past, which many applications never do.
import {
  applyAll,
  Blame,
  difference,
  FIRST_VERSION,
  FlushoutError,
  type CommandProxy,
  type FieldChange,
  type HistoryPage,
  type HistoryQuery,
  type JsonObject,
  type ModelVersions,
  type Path,
  type Receipt,
  type Snapshot,
} from '@flushout/core'
import type { PastTransport, Transport } from './transport.ts'

/** Who wrote the fields of a node last. */
export interface NodeBlame {
  /** By field. Those that were there from the start of the history have none. */
  readonly fields: Readonly<Record<string, FieldChange>>
  /** False where the history is too long to be looked through, or was trimmed. */
  readonly isComplete: boolean
}

/** How often it is asked for older entries until a blame stays incomplete. */
const MAX_PAGES = 20

/** Reads what one model was. */
export class ModelPast {
  readonly #key: string
  readonly #past: PastTransport
  readonly #versions: ModelVersions | undefined

  constructor(key: string, { past }: Transport, versions: ModelVersions | undefined) {
    if (!past) throw new FlushoutError('NOT_FOUND', 'This transport reads no history.')
    this.#key = key
    this.#past = past
    this.#versions = versions
  }

  async history(query: HistoryQuery, signal: AbortSignal): Promise<HistoryPage> {
    const page = await this.#past.history(this.#key, query, signal)
    if (Array.isArray((Object(page) as HistoryPage).entries)) return page
    throw new FlushoutError('ANSWER_INVALID', 'The server gave no history.')
  }

  async snapshotAt(count: number, signal: AbortSignal): Promise<Snapshot> {
    const snapshot = await this.#past.snapshotAt(this.#key, count, signal)
    const { commandCount, document } = Object(snapshot) as Snapshot
    const isOne = commandCount === count && typeof document === 'object' && document
    if (isOne) return this.#migrate(snapshot)
    throw new FlushoutError('ANSWER_INVALID', 'The server gave no snapshot.')
  }

  /** What was of an older version as this page knows it; it is not what the history made then. */
  #migrate(snapshot: Snapshot): Snapshot {
    const { schema = FIRST_VERSION } = snapshot
    const { version, migrate } = this.#versions ?? { version: FIRST_VERSION }
    if (schema >= version || !migrate) return snapshot
    return { ...snapshot, hash: '', document: migrate(snapshot.document, schema), schema: version }
  }

  async blame(path: Path, keys: readonly string[], signal: AbortSignal): Promise<NodeBlame> {
    const blame = new Blame(path)
    let before: number | undefined
    let isComplete = false
    for (let pages = 0; pages < MAX_PAGES && !isComplete; pages += 1) {
      const page = await this.history({ path, limit: 200, before }, signal)
      for (const entry of page.entries) blame.add(entry)
      ;({ before } = page)
      isComplete = blame.isComplete || (before === undefined && !page.isTrimmed)
      if (before === undefined) break
    }
    return { fields: blame.of(keys), isComplete }
  }
}

/** Make the document what it was then. */
export function restore<Doc extends object>(
  proxy: CommandProxy<Doc>,
  then: Snapshot,
): readonly Receipt[] {
  return applyAll(proxy, () => difference(proxy.read() as unknown as JsonObject, then.document))
}
