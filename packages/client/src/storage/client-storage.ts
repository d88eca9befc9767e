import type { JsonValue } from '@flushout/core'

/**
 * Where a row is. Keys are ordered part by part, numbers before strings, strings
 * by their UTF-16 code units, and a key before those that it begins.
 */
export type StorageKey = readonly (string | number)[]

/** A key and what is stored there. */
export interface StorageRow {
  readonly key: StorageKey
  readonly value: JsonValue
}

/** One step of a write. `deleteAll` takes out every row whose key begins so. */
export type StorageChange =
  | { readonly put: StorageKey; readonly value: JsonValue }
  | { readonly delete: StorageKey }
  | { readonly deleteAll: StorageKey }

/**
 * What a storage tells by itself. `volatile`: what is written from now on may not
 * survive the page. `durable`: all that was written does again. `erased`:
 * somebody deleted everything that was stored, so whatever has to survive has to
 * be written again.
 */
export type StorageNews = 'volatile' | 'durable' | 'erased'

/**
 * Where a client keeps what has to outlive the page: rows in the order of their
 * keys. A disk that fails makes neither method reject. The storage then keeps in
 * memory what the disk did not take, says so by `isDurable`, and tries again with
 * the next write or after a while. Meanwhile the disk holds what it held before the
 * first write that failed: a page that ends now leaves that behind.
 */
export interface ClientStorage {
  /** All rows whose keys begin with `prefix`, in order; writes called before are in them. */
  read(prefix: StorageKey): Promise<readonly StorageRow[]>
  /**
   * Take over all of the changes or none. Resolves when they survive a crash, or if
   * `isDurable` is false then, when they can be read. Writes take effect in the order
   * of their calls.
   */
  write(changes: readonly StorageChange[]): Promise<void>
  /**
   * Whether all that was written so far survives the page. A disk that was not yet
   * needed counts as one that works.
   */
  readonly isDurable: boolean
  /** What the disk failed with last, while that is why `isDurable` is false. */
  readonly error: unknown
  /** Hear of `StorageNews`, until the returned function is called. */
  subscribe(listener: (news: StorageNews) => void): () => void
  /** Resolves when what was written before is stored and another may open the same. */
  close(): Promise<void>
}
