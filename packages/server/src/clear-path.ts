import {
  FlushoutError,
  PROTOCOL,
  type Flush,
  type ModelVersions,
  type Path,
  type User,
} from '@flushout/core'
import type { ModelRunner } from './runner.ts'

/** Who clears, and what a flush needs besides. */
interface ClearOptions<U extends User> {
  readonly user: U | undefined
  readonly createId: () => string
  readonly now: () => number
  readonly versions: ModelVersions | undefined
}

const MAX_TRIES = 3

/**
 * Delete what is at `path` of a model, as any client would, and give a count at which there
 * is nothing. Throws REJECTED if a rule will not have it, or puts something there again.
 */
export async function clearPath<U extends User>(
  runner: ModelRunner<U>,
  path: Path,
  { user, createId, now, versions }: ClearOptions<U>,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const { isClear, from, hash } = await runner.read(({ master }) => ({
      isClear: master.read(path) === undefined,
      from: master.commandCount,
      hash: master.hash,
    }))
    if (isClear) return from
    if (attempt > MAX_TRIES) {
      throw new FlushoutError('REJECTED', 'Something is put there again each time.')
    }
    const commands = [{ action: 'delete', path } as const]
    const flush: Flush = {
      protocol: PROTOCOL,
      clientId: createId(),
      sequence: 1,
      from,
      hash,
      commands,
      ...(versions && { schema: versions.version }),
    }
    const { verdicts } = await runner.flush(flush, { user, now: now(), seed: createId() })
    const refused = verdicts.find(({ kind }) => kind === 'rejected')
    if (refused?.kind === 'rejected') {
      const { code, message } = refused.rejection
      throw new FlushoutError('REJECTED', `A rule will not have it deleted: ${message} (${code})`)
    }
  }
}
