// Which flushes a master refuses as a whole, by what they say of themselves.
import { FlushoutError } from './errors.ts'
import type { ClientRecord } from './history.ts'
import { isTimedId } from './id.ts'
import type { Flush } from './protocol.ts'
import { FIRST_VERSION, type ModelVersions } from './versions.ts'

/**
 * Refuse who knows too little of versions, and what is too new for the rules here: the
 * flush, or the document, which is of `documentVersion`.
 */
export function checkVersion(
  { schema = FIRST_VERSION, readerSchema = schema }: Flush,
  { version = FIRST_VERSION, oldestClient = version }: Partial<ModelVersions> = {},
  documentVersion: number,
): void {
  const newest = Math.max(documentVersion, schema, readerSchema)
  if (newest > version) {
    const message = `This server knows version ${version} of the model, not ${newest}; a newer one will.`
    throw new FlushoutError('UNAVAILABLE', message)
  }
  if (readerSchema >= oldestClient) return
  const message = `This client knows version ${readerSchema} of the model; it needs ${oldestClient} or later.`
  throw new FlushoutError('UPGRADE_REQUIRED', message)
}

/** Refuse a flush that is not the next one of its client, as far as `client` tells. */
export function checkSequence(
  { clientId, sequence, hash }: Flush,
  client: ClientRecord | undefined,
  lastExpired: string,
): void {
  // Whatever number and past it claims: it may be the copy of one that took effect.
  if (!client && clientId <= lastExpired && isTimedId(clientId)) {
    throw new FlushoutError('CLIENT_EXPIRED', 'Nothing is known of clients as old as this one.')
  }
  const last = client?.sequence ?? 0
  if (sequence === last + 1) return
  // It does not claim a past here: what it sent before went into another one.
  if (sequence > last && hash === '') return
  if (sequence === last) {
    throw new FlushoutError('SEQUENCE_REUSED', `Flush ${sequence} was another flush before.`)
  }
  if (sequence < last) {
    throw new FlushoutError('SEQUENCE_PAST', `Flush ${sequence} is older than ${last}.`)
  }
  throw client
    ? new FlushoutError('SEQUENCE_GAP', `Flush ${last + 1} is missing before ${sequence}.`)
    : new FlushoutError('CLIENT_EXPIRED', `Nothing is known of the flushes before ${sequence}.`)
}
