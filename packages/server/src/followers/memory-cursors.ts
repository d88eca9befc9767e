import { compileKeyPattern } from '@flushout/core'
import { literalPrefix } from '../live/pattern-lookup.ts'
import type { ModelStore } from '../store.ts'
import { equalCursors, type Cursor, type Cursors, type FollowedModel } from './cursors.ts'

interface Row {
  holder: string
  heldUntil: number
  readonly cursors: Map<string, Cursor>
}

type Models = Pick<ModelStore, 'heads' | 'list'>

/** The followers of a store in the memory of this process. */
export class MemoryCursors {
  readonly #models: Models
  readonly #rows = new Map<string, Row>()

  constructor(models: Models) {
    this.#models = models
  }

  /** What is kept of one follower. */
  of(follower: string): Cursors {
    const row = this.#row(follower)
    return {
      claim: async (holder, forMs) => {
        const now = Date.now()
        if (row.holder !== holder && row.heldUntil > now) return false
        row.holder = holder
        row.heldUntil = now + forMs
        return true
      },
      behind: (range) => this.#behind(row, range),
      read: async (key) => this.#join(row, key, (await this.#models.heads([key])).get(key)),
      move: async (key, from, to) => {
        if (!equalCursors(row.cursors.get(key), from)) return false
        if (to) row.cursors.set(key, to)
        else row.cursors.delete(key)
        return true
      },
    }
  }

  #row(follower: string): Row {
    const row = this.#rows.get(follower) ?? { holder: '', heldUntil: 0, cursors: new Map() }
    this.#rows.set(follower, row)
    return row
  }

  // Looks at every model there is: prototypes have few.
  async #behind(
    row: Row,
    { pattern, after, limit }: Parameters<Cursors['behind']>[0],
  ): Promise<FollowedModel[]> {
    const fits = compileKeyPattern(pattern)
    const range = { prefix: literalPrefix(pattern), after: '', limit: Number.MAX_SAFE_INTEGER }
    const models = await this.#models.list(range)
    const heads = new Map(models.map(({ key, head }) => [key, head]))
    return [...new Set([...heads.keys(), ...row.cursors.keys()])]
      .filter((key) => fits(key) && compareText(key, after) > 0)
      .map((key) => this.#join(row, key, heads.get(key)))
      .filter(({ head, cursor }) => !equalCursors(head, cursor))
      .toSorted((a, b) => compareText(a.key, b.key))
      .slice(0, limit)
  }

  #join(row: Row, key: string, head: FollowedModel['head']): FollowedModel {
    return { key, head: head && toCursor(head), cursor: row.cursors.get(key) }
  }
}

function toCursor({ commandCount, hash }: Cursor): Cursor {
  return { commandCount, hash }
}

/** By code point, as Postgres orders keys. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
