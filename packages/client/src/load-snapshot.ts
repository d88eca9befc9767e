import {
  FIRST_VERSION,
  FlushoutError,
  PROTOCOL,
  type Flush,
  type ModelVersions,
  type Position,
  type PullAnswer,
  type Snapshot,
} from '@flushout/core'
import type { Transport } from './transport.ts'

/** What is asked, and by whom. */
interface LoadParts {
  readonly key: string
  readonly transport: Transport
  /** Of the kind of the model, as this page knows it. */
  readonly versions: ModelVersions | undefined
  readonly clientId: string
  readonly signal: AbortSignal
}

/** The document as the server has it, if this page can go on with its version. */
export async function loadSnapshot(parts: LoadParts): Promise<Snapshot> {
  const { key, transport, versions, signal } = parts
  const snapshot = await transport.load(key, signal)
  if (isOfVersion(snapshot, versions)) return snapshot
  // Only the master can say that, and does so to whoever says what they know.
  const answer = await transport.flush(key, createPull(parts, { from: 0, hash: '' }), signal)
  const { sync } = Object(answer) as Partial<PullAnswer>
  if (sync?.kind === 'snapshot') return sync.snapshot
  throw new FlushoutError('ANSWER_INVALID', 'The server gave no snapshot.')
}

/** Whether a snapshot is of the very version that this page knows. */
export function isOfVersion(snapshot: Snapshot, versions: ModelVersions | undefined): boolean {
  const { schema = FIRST_VERSION } = Object(snapshot) as Partial<Snapshot>
  return schema === (versions?.version ?? FIRST_VERSION)
}

/** A flush that only asks what a client at `position` lacks. */
export function createPull(
  { clientId, versions }: Pick<LoadParts, 'clientId' | 'versions'>,
  { from, hash }: Position,
): Flush {
  const schema = versions && { schema: versions.version }
  return { protocol: PROTOCOL, clientId, sequence: 0, from, hash, commands: [], ...schema }
}
