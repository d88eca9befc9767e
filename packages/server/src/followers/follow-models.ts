import { FlushoutError } from '@flushout/core'
import type { FollowModelsOptions, ModelFollower } from './follower-options.ts'
import { Follower } from './follower.ts'

/**
 * Follow models by their history: each change in order and at least once, across
 * restarts, from the place that the store keeps under `name`. For code beside the
 * servers: a search index, a report, a copy in other tables. Runs no rules, and asks for
 * nobody's permission. Throws OPTIONS_INVALID where a name, a pattern or a handler is missing.
 */
export function followModels(options: FollowModelsOptions): ModelFollower {
  checkOptions(options)
  return new Follower(options)
}

function checkOptions({ store, name, patterns, onChange, begin }: FollowModelsOptions): void {
  if (!store) throw invalid('Give a store: `store: postgresStore(…)`.')
  if (typeof name !== 'string' || name === '') throw invalid('Give the follower a `name`.')
  const isPattern = (pattern: unknown) =>
    typeof pattern === 'string' && !pattern.split(':').includes('')
  if (!Array.isArray(patterns) || patterns.length === 0 || !patterns.every(isPattern)) {
    throw invalid("Name the models: `patterns: ['todos:*']`.")
  }
  if (typeof onChange !== 'function') throw invalid('Say who hears of changes: `onChange`.')
  if (begin !== undefined && begin !== 'oldest' && begin !== 'latest') {
    throw invalid('`begin` is "oldest" or "latest".')
  }
}

function invalid(message: string): FlushoutError {
  return new FlushoutError('OPTIONS_INVALID', message)
}
