import { FlushoutError } from '@flushout/core'
import { crc32 } from 'node:zlib'
import type { StorageChange } from './client-storage.ts'
import { applyChanges, toStoredChange, type StoredChange, type StoredRows } from './stored-rows.ts'

// A file is a line that says what it is, and one line for each write: a checksum,
// and the changes as JSON. A line takes effect as a whole or, if it is torn, not.
const NEWLINE = 10
const HEADER = line('{"flushout":"storage","version":1}')

/** What was found in a file. */
export interface FoundLines {
  readonly rows: StoredRows
  /** How many bytes are whole lines. */
  readonly length: number
  /** Whether there are whole lines after one that is none, which no crash leaves behind. */
  readonly isDamaged: boolean
}

/** The lines that a file of these rows begins with. */
export function linesOfRows(rows: StoredRows): Buffer {
  const lines = [HEADER]
  for (const { key, text } of rows.values()) lines.push(lineOf([{ put: key, text }]))
  return Buffer.from(lines.join(''))
}

/** The line of a write. */
export function lineOf(changes: readonly StoredChange[]): string {
  const texts = changes.map((change) =>
    'put' in change
      ? `{"put":${JSON.stringify(change.put)},"value":${change.text}}`
      : JSON.stringify(change),
  )
  return line(`[${texts.join()}]`)
}

/** Read lines up to the first that is none. Throws OPTIONS_INVALID for any other file. */
export function readLines(path: string, bytes: Buffer): FoundLines {
  const rows: StoredRows = new Map()
  if (!bytes.subarray(0, HEADER.length).equals(Buffer.from(HEADER))) {
    throw new FlushoutError(
      'OPTIONS_INVALID',
      `The file ${path} was not written by this version of fileStorage; name another.`,
    )
  }
  let length = HEADER.length
  let isWhole = true
  for (let start = length; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start)
    if (end === -1) break
    const changes = parseLine(bytes.toString('utf8', start, end))
    start = end + 1
    if (!changes) isWhole = false
    else if (!isWhole) return { rows, length, isDamaged: true }
    else {
      applyChanges(rows, changes)
      length = start
    }
  }
  return { rows, length, isDamaged: false }
}

function parseLine(text: string): readonly StoredChange[] | undefined {
  const json = text.slice(9)
  if (text !== line(json).slice(0, -1)) return undefined
  return (JSON.parse(json) as StorageChange[]).map(toStoredChange)
}

function line(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}
