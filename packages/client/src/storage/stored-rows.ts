import { FlushoutError } from '@flushout/core'
import type { StorageChange, StorageKey, StorageRow } from './client-storage.ts'

/** A row with its value as JSON text: what is stored can no longer be changed from outside. */
export interface StoredRow {
  readonly key: StorageKey
  readonly text: string
}

/** A change with its value as JSON text. */
export type StoredChange =
  | { readonly put: StorageKey; readonly text: string }
  | { readonly delete: StorageKey }
  | { readonly deleteAll: StorageKey }

/** Rows by the JSON text of their keys. */
export type StoredRows = Map<string, StoredRow>

/** Throws OPTIONS_INVALID for a key or a value that not every storage could give back as it was. */
export function toStoredChange(change: StorageChange): StoredChange {
  if ('put' in change) {
    const text = JSON.stringify(change.value) as string | undefined
    if (text === undefined) throw new FlushoutError('OPTIONS_INVALID', 'A row needs a value.')
    return { put: checkKey(change.put), text }
  }
  return 'delete' in change
    ? { delete: checkKey(change.delete) }
    : { deleteAll: checkKey(change.deleteAll) }
}

export function toStorageRow({ key, text }: StoredRow): StorageRow {
  return { key, value: JSON.parse(text) as StorageRow['value'] }
}

/** Give back a copy of `key`. Throws OPTIONS_INVALID if it is none. */
export function checkKey(key: StorageKey): StorageKey {
  for (const part of key) {
    if (typeof part === 'string' || Number.isFinite(part)) continue
    throw new FlushoutError(
      'OPTIONS_INVALID',
      `A storage key is made of strings and finite numbers, and ${String(part)} is neither.`,
    )
  }
  return [...key]
}

export function keyText(key: StorageKey): string {
  return JSON.stringify(key)
}

/** Tell whether `key` is `prefix` or goes on where it ends. */
export function beginsWith(key: StorageKey, prefix: StorageKey): boolean {
  return prefix.length <= key.length && prefix.every((part, index) => part === key[index])
}

/** Put `changes` into effect, one after the other. */
export function applyChanges(rows: StoredRows, changes: Iterable<StoredChange>): void {
  for (const change of changes) {
    if ('put' in change) rows.set(keyText(change.put), { key: change.put, text: change.text })
    else if ('delete' in change) rows.delete(keyText(change.delete))
    else {
      for (const [id, { key }] of rows) if (beginsWith(key, change.deleteAll)) rows.delete(id)
    }
  }
}

/** The rows whose keys begin with `prefix`, in order. */
export function listRows(rows: StoredRows, prefix: StorageKey): StoredRow[] {
  return [...rows.values()]
    .filter(({ key }) => beginsWith(key, prefix))
    .sort((a, b) => compareKeys(a.key, b.key))
}

function compareKeys(a: StorageKey, b: StorageKey): number {
  for (const [index, part] of a.entries()) {
    const other = b[index]
    if (other === undefined) return 1
    if (part === other) continue
    if (typeof part !== typeof other) return typeof part === 'number' ? -1 : 1
    return part < other ? -1 : 1
  }
  return a.length - b.length
}
