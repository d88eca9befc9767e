import type { JsonObject } from '@flushout/core'
import { createHash } from 'node:crypto'

/** The same for documents that are equal as text. */
export function digestDocument(document: JsonObject): string {
  return createHash('sha256').update(JSON.stringify(document)).digest('base64')
}
