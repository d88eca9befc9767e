// A history as lines of JSON, one for each flush:
//
//   { "flushout": "history", "version": 1, "key", "snapshot", "digest" }
//   { "from", "hash", "clientId", "sequence", "userId", "at", "commands", "notes", "salt", "seal" }
//   …
//   { "end": { "commandCount", "hash" } }
//
// The digest is of the document that it begins with; all that follows is bound by the
// history hash. The last line tells a whole file from one that was cut off.
import type { LogEntry, Snapshot } from '@flushout/core'

export const FORMAT = 'history'
export const VERSION = 1

/** The first line. */
export interface FirstLine {
  readonly flushout: typeof FORMAT
  readonly version: typeof VERSION
  readonly key: string
  readonly snapshot: Snapshot
  readonly digest: string
}

/** The last line. */
export interface LastLine {
  readonly end: { readonly commandCount: number; readonly hash: string }
}

/** The first line, if `value` is one of a version that is known here. */
export function toFirstLine(value: unknown): FirstLine | undefined {
  const { flushout, version, key, snapshot, digest } = fields(value)
  const { commandCount, hash, document } = fields(snapshot)
  const isFirst =
    flushout === FORMAT &&
    version === VERSION &&
    isText(key) &&
    isText(digest) &&
    isCount(commandCount) &&
    isText(hash) &&
    isObject(document)
  return isFirst ? (value as FirstLine) : undefined
}

/** The last line, if `value` is one. */
export function toLastLine(value: unknown): LastLine | undefined {
  const { commandCount, hash } = fields(fields(value)['end'])
  return isCount(commandCount) && isText(hash) ? (value as LastLine) : undefined
}

/** An entry, if `value` is one; what its commands are is seen when they are applied. */
export function toEntry(value: unknown): LogEntry | undefined {
  const { from, hash, clientId, sequence, userId, at, commands, notes, salt, seal } = fields(value)
  const isEntry =
    isCount(from) &&
    isText(hash) &&
    isText(clientId) &&
    isCount(sequence) &&
    (userId === null || isText(userId)) &&
    isCount(at) &&
    isListOfObjects(commands) &&
    commands.length > 0 &&
    (notes === undefined || isListOfObjects(notes)) &&
    isText(salt) &&
    (seal === undefined || isText(seal))
  return isEntry ? (value as LogEntry) : undefined
}

function fields(value: unknown): { readonly [name: string]: unknown } {
  return isObject(value) ? (value as { readonly [name: string]: unknown }) : {}
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOfObjects(value: unknown): value is object[] {
  return Array.isArray(value) && value.every(isObject)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
