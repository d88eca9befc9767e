import { FlushoutError } from '@flushout/core'
import type { ClientStorage } from './client-storage.ts'
import {
  applyChanges,
  checkKey,
  listRows,
  toStorageRow,
  toStoredChange,
  type StoredRows,
} from './stored-rows.ts'

/** Keep everything in memory: it ends with the page, and is never durable. */
export function memoryStorage(): ClientStorage {
  const rows: StoredRows = new Map()
  let isClosed = false
  const checkOpen = () => {
    if (isClosed) throw storageClosed()
  }
  return {
    isDurable: false,
    error: undefined,
    async read(prefix) {
      checkOpen()
      return listRows(rows, checkKey(prefix)).map(toStorageRow)
    },
    async write(changes) {
      checkOpen()
      applyChanges(rows, changes.map(toStoredChange))
    },
    subscribe: () => () => {},
    async close() {
      isClosed = true
      rows.clear()
    },
  }
}

export function storageClosed(): FlushoutError {
  return new FlushoutError('CLIENT_CLOSED', 'The storage was closed.')
}
