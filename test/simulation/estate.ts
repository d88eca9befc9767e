import type { Flush } from '@flushout/core'
import type { StoredChange, StoredRow } from '../../packages/client/src/storage/stored-rows.ts'
import { idOf, markOf, type Edit, type Outgoing } from './ledger.ts'
import { Violation } from './violation.ts'

/** What is known of the edits of one profile, and of all copies of it, whichever page sends them. */
export class Estate {
  readonly edits = new Map<string, Edit>()
  /**
   * Why a number may be sent with other commands than before: there is a copy, or
   * the disk did not take what was sent.
   */
  isBranched = false
  readonly #outgoing = new Map<string, SharedOutgoing>()

  constructor(keys: readonly string[]) {
    for (const key of keys) this.#outgoing.set(key, new SharedOutgoing(this))
  }

  /** What goes out for each model, whichever page gave it. */
  get outgoing(): ReadonlyMap<string, SharedOutgoing> {
    return this.#outgoing
  }

  /** A disk took these changes. */
  stored(changes: readonly StoredChange[]): void {
    for (const change of changes) {
      if (!('put' in change) || change.put[2] !== 'edit') continue
      const edit = this.edits.get(markIn(change.text) ?? '')
      if (edit) edit.isStored = true
    }
  }

  /** A disk holds nothing but `rows` again: what else it held is nobody's fault. */
  putBack(rows: Iterable<StoredRow>): void {
    this.isBranched = true
    const held = new Set<string | undefined>()
    for (const { key, text } of rows) if (key[2] === 'edit') held.add(markIn(text))
    for (const [mark, edit] of this.edits) if (!held.has(mark)) edit.isForgotten = true
  }
}

/** What all pages of a profile send of one model. */
class SharedOutgoing implements Outgoing {
  readonly copied = new Set<string>()
  readonly expired = new Set<string>()
  mayBeReused = false
  readonly isShared = true
  readonly #estate: Estate
  readonly #sent = new Map<string, string>()
  // With their commands. A tab that stood still may send them again.
  readonly #refused = new Set<string>()

  constructor(estate: Estate) {
    this.#estate = estate
  }

  refused(flush: Flush, code: string): void {
    this.#sent.delete(idOf(flush))
    this.#refused.add(idOf(flush) + JSON.stringify(flush.commands))
    if (code === 'FORBIDDEN') this.mayBeReused = true
  }

  depart(flush: Flush): void {
    if (flush.commands.length === 0) return
    const id = idOf(flush)
    const text = JSON.stringify(flush.commands)
    if (this.#refused.has(id + text)) return
    const earlier = this.#sent.get(id)
    // A tab that asked another to send it may send it too, and the other does so later.
    if (earlier !== undefined) this.copied.add(id)
    if (earlier === text) return
    if (earlier !== undefined && !this.#estate.isBranched) {
      throw new Violation('frozen', `${id} was sent again with other commands`, {
        expected: earlier,
        found: text,
      })
    }
    this.#sent.set(id, text)
    for (const command of flush.commands) {
      const edit = this.#estate.edits.get(markOf(command) ?? '')
      if (edit && !edit.flushes.includes(id)) edit.flushes.push(id)
    }
  }
}

/** Which edit a row is about. */
export function markIn(text: string): string | undefined {
  return /"mark":"([^"]+)"/.exec(text)?.[1]
}
