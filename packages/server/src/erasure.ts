import {
  redactDocument,
  redactEntry,
  redactVerdict,
  type ClientRecord,
  type JsonObject,
  type LogEntry,
  type Path,
} from '@flushout/core'
import { digest } from './digest.ts'
import type { Erased } from './store.ts'

/** One erasing: says of each row what becomes of it, if anything, and counts those. */
export class Erasure {
  readonly #path: Path
  #entries = 0
  #checkpoints = 0
  #clients = 0

  constructor(path: Path) {
    this.#path = path
  }

  /** How many rows there were to change. */
  get done(): Erased {
    return { entries: this.#entries, checkpoints: this.#checkpoints, clients: this.#clients }
  }

  /** The entry as it is to be; undefined if it stays. */
  entry(entry: LogEntry): LogEntry | undefined {
    const redacted = redactEntry(entry, this.#path, digest)
    if (redacted === entry) return undefined
    this.#entries += 1
    return redacted
  }

  /** The document of a checkpoint as it is to be, as JSON; undefined if it stays. */
  document(text: string): string | undefined {
    const document = JSON.parse(text) as JsonObject
    const redacted = redactDocument(document, this.#path)
    if (redacted === document) return undefined
    this.#checkpoints += 1
    return JSON.stringify(redacted)
  }

  /** The client row as it is to be; undefined if it stays. */
  client(record: ClientRecord): ClientRecord | undefined {
    const { answer } = record
    const verdicts = answer.verdicts.map((verdict) => redactVerdict(verdict, this.#path))
    if (verdicts.every((verdict, index) => verdict === answer.verdicts[index])) return undefined
    this.#clients += 1
    return { ...record, answer: { ...answer, verdicts } }
  }
}
