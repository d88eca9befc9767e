import { literalPrefix } from '../live/pattern-lookup.ts'
import { toCount } from '../postgres-rows.ts'
import type { Cursor, Cursors, FollowedModel } from './cursors.ts'
import { createCursorStatements, type CursorStatements } from './postgres-cursor-statements.ts'

type Row = Record<string, unknown>

/** Run a prepared statement; it may be run twice. */
export type Query = (
  statement: { readonly name: string; readonly text: string },
  values: unknown[],
) => Promise<Row[]>

/** What Postgres keeps of the follower of this name; `schema` is a quoted identifier. */
export function createPostgresCursors(query: Query, schema: string, follower: string): Cursors {
  const statements: CursorStatements = createCursorStatements(schema)
  const isDone = async (statement: keyof CursorStatements, values: unknown[]) =>
    (await query(statements[statement], values)).length > 0
  return {
    claim: (holder, forMs) => isDone('claim', [follower, holder, forMs]),
    async behind({ pattern, after, limit }) {
      const prefix = literalPrefix(pattern)
      const values = [follower, prefix, after, toExpression(pattern), limit]
      return (await query(statements.behind, values)).map(toFollowedModel)
    },
    async read(key) {
      const [row] = await query(statements.read, [follower, key])
      return toFollowedModel(row!)
    },
    move(key, from, to) {
      if (!to) return isDone('remove', [follower, key, from?.commandCount, from?.hash])
      const { commandCount, hash } = to
      if (!from) return isDone('place', [follower, key, commandCount, hash])
      return isDone('move', [follower, key, from.commandCount, from.hash, commandCount, hash])
    },
  }
}

/** A pattern as a regular expression of Postgres. */
function toExpression(pattern: string): string {
  const segments = pattern
    .split(':')
    .map((segment) => (segment === '*' ? '[^:]+' : segment.replace(/[!-/[-`{-~?]/g, '\\$&')))
  return `^${segments.join(':')}$`
}

function toFollowedModel(row: Row): FollowedModel {
  return {
    key: row['key'] as string,
    head: toCursor(row['command_count'], row['hash']),
    cursor: toCursor(row['cursor_count'], row['cursor_hash']),
  }
}

function toCursor(count: unknown, hash: unknown): Cursor | undefined {
  return count === null ? undefined : { commandCount: toCount(count), hash: hash as string }
}
