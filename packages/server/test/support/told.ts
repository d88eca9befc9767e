import { Master, type JsonObject } from '@flushout/core'
import type { FollowerChange } from '@flushout/server'
import { digest } from '../../src/digest.ts'

/** What a follower was told, and the documents that it makes of it. */
export class Told {
  readonly changes: FollowerChange[] = []
  readonly #masters = new Map<string, Master>()

  readonly hear = (change: FollowerChange): void => {
    this.changes.push(change)
    const { key } = change
    if (change.kind === 'deleted') this.#masters.delete(key)
    else if (change.kind === 'snapshot') {
      const createId = () => {
        throw new Error('A create has no id.')
      }
      this.#masters.set(key, new Master(change.snapshot, { createId, digest }))
    } else {
      // Throws where something was left out; what came before may have been told to another.
      this.#masters.get(key)?.advance(change.entries)
    }
  }

  /** As `snapshot 0`, `entries 3-5`, `deleted`. */
  of(key: string): string[] {
    return this.changes.filter((change) => change.key === key).map(describe)
  }

  document(key: string): JsonObject | undefined {
    return this.#masters.get(key)?.snapshot().document
  }
}

function describe(change: FollowerChange): string {
  if (change.kind === 'deleted') return 'deleted'
  if (change.kind === 'snapshot') return `snapshot ${change.snapshot.commandCount}`
  const { entries } = change
  const end = entries.at(-1)!
  return `entries ${entries[0]!.from}-${end.from + end.commands.length}`
}
