// Notices between servers, as text. Postgres takes less than 8,000 bytes at a
// time, so many notices are several texts:
//
//   { "from": "<who publishes>", "notices": [ … ] }
//
// Anybody who can connect to the database may publish, and so may servers of
// another version: what is not understood is passed over.
import type { Notice } from './hints.ts'

const MAX_BYTES = 7900

/** What one text told. */
export interface Payload {
  /** Undefined where it was not a server. */
  readonly from: string | undefined
  readonly notices: readonly Notice[]
}

/** Notices as texts that Postgres takes. One that does not fit into any is left out. */
export function toPayloads(from: string, notices: Iterable<Notice>): string[] {
  const head = `{"from":${JSON.stringify(from)},"notices":[`
  const room = MAX_BYTES - Buffer.byteLength(head) - 2
  const payloads: string[] = []
  let body: string[] = []
  let bytes = 0
  const finish = () => {
    if (body.length > 0) payloads.push(`${head}${body.join()}]}`)
    body = []
    bytes = 0
  }
  for (const notice of notices) {
    const text = JSON.stringify(notice)
    const size = Buffer.byteLength(text) + 1
    if (size > room) continue
    if (bytes + size > room) finish()
    body.push(text)
    bytes += size
  }
  finish()
  return payloads
}

/** What `text` tells; nothing where it is not as `toPayloads` makes it. */
export function parsePayload(text: string): Payload {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Nothing that Postgres forwards may stop a server.
  }
  const { from, notices } = Object(value) as { from?: unknown; notices?: unknown }
  return {
    from: isText(from) ? from : undefined,
    notices: Array.isArray(notices) ? notices.filter(isNotice) : [],
  }
}

type Check = (value: unknown) => boolean

const isText = (value: unknown): value is string => typeof value === 'string'
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isObject: Check = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isChange: Check = (value) => ['create', 'configure', 'delete'].includes(value as string)
const orUndefined =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)

const FIELDS: { readonly [Kind in Notice['kind']]: { readonly [field: string]: Check } } = {
  head: { key: isText, commandCount: isCount, hash: isText },
  model: { key: isText, change: isChange },
  erased: { key: isText },
  access: { userId: orUndefined(isText), key: orUndefined(isText) },
  presence: {
    key: isText,
    peer: isText,
    userId: orNull(isText),
    sequence: isCount,
    state: orNull(isObject),
    server: isText,
  },
  alive: { server: isText },
  'roll-call': {},
}

function isNotice(value: unknown): value is Notice {
  const notice = Object(value) as { readonly [field: string]: unknown }
  const kind = notice['kind']
  if (!isText(kind) || !Object.hasOwn(FIELDS, kind)) return false
  return Object.entries(FIELDS[kind as Notice['kind']]).every(([field, check]) =>
    check(notice[field]),
  )
}
