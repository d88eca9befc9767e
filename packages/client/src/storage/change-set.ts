import type { StorageKey } from './client-storage.ts'
import {
  applyChanges,
  beginsWith,
  keyText,
  listRows,
  type StoredChange,
  type StoredRow,
} from './stored-rows.ts'

/** Changes that are yet to be stored, without those that later ones make pointless. */
export class ChangeSet {
  readonly #changes = new Map<string, StoredChange>()

  get isEmpty(): boolean {
    return this.#changes.size === 0
  }

  /** What is left of the changes, in an order that has the same effect. */
  get changes(): readonly StoredChange[] {
    return [...this.#changes.values()]
  }

  add(changes: readonly StoredChange[]): void {
    for (const change of changes) {
      const id = 'deleteAll' in change ? `all ${keyText(change.deleteAll)}` : keyText(keyOf(change))
      if ('deleteAll' in change) this.#forget(change.deleteAll)
      // At its earlier place, if it has one: what concerns the row in between is gone.
      this.#changes.set(id, change)
    }
  }

  /** What `rows`, all those that begin with `prefix`, come to with these changes. */
  showOn(rows: readonly StoredRow[], prefix: StorageKey): readonly StoredRow[] {
    if (this.isEmpty) return rows
    const shown = new Map(rows.map((row) => [keyText(row.key), row]))
    applyChanges(shown, this.#changes.values())
    return listRows(shown, prefix)
  }

  #forget(prefix: StorageKey): void {
    for (const [id, change] of this.#changes) {
      if (beginsWith(keyOf(change), prefix)) this.#changes.delete(id)
    }
  }
}

function keyOf(change: StoredChange): StorageKey {
  if ('put' in change) return change.put
  return 'delete' in change ? change.delete : change.deleteAll
}
