import { chainHash, isTimedId, Master, type JsonObject, type LogEntry } from '@flushout/core'

/** A point in a history. */
export interface Point {
  readonly commandCount: number
  readonly hash: string
}

/** A document as a row holds it. */
export interface StoredDocument extends Point {
  /** As JSON. */
  readonly text: string
}

/** A row of the log; `to` is what the table says, whatever the commands are. */
export interface StoredEntry extends LogEntry {
  readonly to: number
}

/** What the rows of a model say besides its log and its clients. */
export interface AuditedRows {
  /** Where the log begins and ends. */
  readonly floor: Point
  readonly head: Point
  /** The current checkpoint and those that were kept, by count. */
  readonly checkpoints: readonly StoredDocument[]
  /** Clients with ids up to this one may have no row any more. */
  readonly lastExpired: string
}

/**
 * Checks what the rows of one model promise, its log entry by entry: it leads from the
 * floor to the head, each hash is made of the one before, no flush is in it twice, its
 * clients are known, and each checkpoint is what the log makes of the one before.
 */
export class ModelAudit {
  /** What was found so far, in words with the values that break the promise. */
  readonly findings: string[] = []
  /** How many entries are not any more what was sealed, as after something was erased. */
  erased = 0
  readonly #digest: (text: string) => string
  readonly #head: Point
  readonly #lastExpired: string
  readonly #checkpoints: StoredDocument[]
  readonly #sequences = new Map<string, number>()
  #last: Point
  // The document there; undefined before the first checkpoint, and behind damage.
  #master: Master | undefined

  constructor(rows: AuditedRows, digest: (text: string) => string) {
    const { floor, head, checkpoints, lastExpired } = rows
    this.#lastExpired = lastExpired
    this.#digest = digest
    this.#head = head
    this.#last = floor
    this.#checkpoints = [...checkpoints]
    for (const { commandCount } of checkpoints) {
      if (commandCount >= floor.commandCount) continue
      this.#checkpoints.shift()
      this.#find(`the checkpoint is at ${commandCount}, the log begins at ${floor.commandCount}`)
    }
    this.#reach(floor)
  }

  /** Check the next entry. */
  add(entry: StoredEntry): void {
    const { from, to, hash } = entry
    if (entry.seal !== undefined) this.erased += 1
    if (!this.#isWhole(entry)) this.#master = undefined
    const expected = chainHash(this.#last.hash, entry, this.#digest)
    if (hash !== expected) this.#find(`the hash at ${to} is ${hash}, the entries make ${expected}`)
    this.#checkSequence(entry)
    this.#advance(entry, from)
    this.#last = { commandCount: to, hash }
    this.#reach(this.#last)
  }

  /** Check what has to hold after the last entry; `clients` are the last sequences by id. */
  end(clients: ReadonlyMap<string, number>): void {
    const { commandCount, hash } = this.#head
    const last = this.#last
    if (last.commandCount !== commandCount) {
      this.#find(`the log ends at ${last.commandCount}, the head is at ${commandCount}`)
    }
    if (last.hash !== hash) this.#find(`the head has hash ${hash}, the log ends with ${last.hash}`)
    for (const checkpoint of this.#checkpoints) this.#findStray(checkpoint, undefined)
    for (const [clientId, sequence] of this.#sequences) {
      const isExpired = isTimedId(clientId) && clientId <= this.#lastExpired
      if (isExpired && !clients.has(clientId)) continue
      const known = clients.get(clientId) ?? 0
      // Else a repeat would get in anew.
      if (known >= sequence) continue
      this.#find(
        `the row of client ${clientId} is at flush ${known}, the log has its flush ${sequence}`,
      )
    }
  }

  /** The log goes on where it was, and the entry is as long as its commands. */
  #isWhole({ from, to, commands }: StoredEntry): boolean {
    const { commandCount } = this.#last
    const { length } = commands
    const isNext = from === commandCount
    const isFull = to - from === length && to !== from
    if (!isNext) this.#find(`the log goes on at ${from} after ${commandCount}`)
    if (!isFull) this.#find(`an entry from ${from} to ${to} has ${length} commands`)
    return isNext && isFull
  }

  #checkSequence({ clientId, sequence, to }: StoredEntry): void {
    const before = this.#sequences.get(clientId) ?? 0
    this.#sequences.set(clientId, sequence)
    if (sequence > before) return
    this.#find(`flush ${sequence} of client ${clientId} is at ${to}, after its flush ${before}`)
  }

  #advance(entry: StoredEntry, from: number): void {
    try {
      this.#master?.advance([entry])
    } catch (error) {
      this.#master = undefined
      const why = (error as Error).message
      this.#find(`the log does not apply at ${from} to the checkpoint before: ${why}`)
    }
  }

  /** Hold the checkpoints against the log that is here now. */
  #reach({ commandCount, hash }: Point): void {
    while (this.#checkpoints[0] && this.#checkpoints[0].commandCount <= commandCount) {
      const checkpoint = this.#checkpoints.shift()!
      const isHere = checkpoint.commandCount === commandCount
      if (!isHere || checkpoint.hash !== hash) {
        this.#findStray(checkpoint, isHere ? hash : undefined)
      }
      if (isHere) this.#compare(checkpoint)
    }
  }

  #compare({ commandCount, hash, text }: StoredDocument): void {
    try {
      const document = JSON.parse(text) as JsonObject
      const made = this.#master?.snapshot().document
      if (!made) {
        const snapshot = { commandCount, hash, document }
        const options = { createId: refuseCreate, digest: this.#digest, maxHistoryBytes: 0 }
        this.#master = new Master(snapshot, options)
      } else if (JSON.stringify(made) !== JSON.stringify(document)) {
        this.#find(`the checkpoint at ${commandCount} is not what the log makes`)
      }
    } catch (error) {
      this.#find(`the checkpoint at ${commandCount} is no document: ${(error as Error).message}`)
    }
  }

  #findStray({ commandCount, hash }: Point, found: string | undefined): void {
    const there = found ?? 'no hash'
    this.#find(`the checkpoint is at ${commandCount} (${hash}), where the log has ${there}`)
  }

  #find(finding: string): void {
    this.findings.push(finding)
  }
}

function refuseCreate(): never {
  throw new Error('An entry of the log has a create without an id.')
}
