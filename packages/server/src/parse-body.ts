import { isUtf8 } from 'node:buffer'
import { FlushoutError, MAX_DEPTH } from '@flushout/core'

/** What lies around the props of a command: body, commands, command, props. */
const ENVELOPE_DEPTH = 4
const LIMIT = MAX_DEPTH + ENVELOPE_DEPTH

/** Why a body was refused that nests too deep; whoever sends one is told FLUSH_INVALID. */
export class TooDeep extends Error {}

/**
 * Parse the body of a request. Throws FLUSH_INVALID, with the place, for what is
 * no JSON in UTF-8, for `__proto__` as a key, and for nesting that no flush can
 * have, before anything recursive touches it.
 */
export function parseBody(bytes: Buffer, contentType = ''): unknown {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1]
  // Decoding would turn wrong bytes into U+FFFD: the master would apply another
  // text than its sender holds.
  if (!isUtf8(bytes) || (charset !== undefined && !/^utf-?8$/i.test(charset))) {
    throw new FlushoutError('FLUSH_INVALID', 'The body is not UTF-8.')
  }
  const text = bytes.toString()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw new FlushoutError('FLUSH_INVALID', 'The body is not JSON.', { cause: error })
  }
  // Nearly every body is cleared by a glance at its text.
  if (mayNestTooDeep(text) || mayHideProto(text)) refuseHostile(body)
  return body
}

function mayNestTooDeep(text: string): boolean {
  let open = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    // { and [, in strings too: this only decides whether to look closer.
    if (code === 123 || code === 91) open += 1
  }
  return open > LIMIT
}

/** `__proto__`, as it is or with some of its letters escaped. */
function mayHideProto(text: string): boolean {
  return text.includes('__proto__') || text.includes('\\u')
}

interface Place {
  readonly value: object
  readonly depth: number
  readonly above: Place | undefined
  readonly key: string
}

function refuseHostile(body: unknown): void {
  const open: Place[] = []
  const add = (value: unknown, key: string, above: Place | undefined) => {
    if (typeof value !== 'object' || value === null) return
    open.push({ value, key, above, depth: (above?.depth ?? 0) + 1 })
  }
  add(body, '', undefined)
  // Not recursive: a body of brackets alone would overflow the stack.
  for (let place = open.pop(); place; place = open.pop()) {
    if (place.depth > LIMIT) {
      throw refusal(place, `more than ${MAX_DEPTH} levels`, new TooDeep())
    }
    for (const key of Object.keys(place.value)) {
      if (key === '__proto__') throw refusal(place, 'the key "__proto__" is not allowed')
      add((place.value as Record<string, unknown>)[key], key, place)
    }
  }
}

function refusal(place: Place, why: string, cause?: Error): FlushoutError {
  const keys: string[] = []
  for (let at: Place | undefined = place; at?.above; at = at.above)
    keys.unshift(at.key.slice(0, 60))
  const path = keys.map((key) => `/${key}`).join('')
  return new FlushoutError('FLUSH_INVALID', `At "${path}": ${why}.`, { cause })
}
