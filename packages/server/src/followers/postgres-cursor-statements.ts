import type { Statement } from '../postgres-statements.ts'

/** The statements about cursors of a store. */
export interface CursorStatements {
  readonly claim: Statement
  readonly behind: Statement
  readonly read: Statement
  readonly place: Statement
  readonly move: Statement
  readonly remove: Statement
}

/** Make the statements; `schema` is a quoted identifier. */
export function createCursorStatements(schema: string): CursorStatements {
  const statement = (verb: string, text: string) => ({ name: `flushout ${verb} ${schema}`, text })
  return {
    // By the clock of the database, which is one for all who ask.
    claim: statement(
      'claim',
      `insert into ${schema}.follower as f (name, holder, held_until)
      values ($1, $2, now() + $3::bigint * interval '1 millisecond')
      on conflict (name) do update set
        holder = excluded.holder, held_until = excluded.held_until
      where f.holder = excluded.holder or f.held_until <= now()
      returning name`,
    ),

    behind: statement(
      'behind',
      `(
        select m.key, m.command_count, m.hash,
          c.count as cursor_count, c.hash as cursor_hash
        from ${schema}.model m
        left join ${schema}.cursor c on c.key = m.key and c.follower = $1
        where ${range('m.key')}
          and (c.count is distinct from m.command_count or c.hash is distinct from m.hash)
        order by m.key limit $5
      ) union all (
        select c.key, null, null, c.count, c.hash
        from ${schema}.cursor c
        where c.follower = $1 and ${range('c.key')}
          and not exists (select 1 from ${schema}.model m where m.key = c.key)
        order by c.key limit $5
      ) order by key limit $5`,
    ),

    read: statement(
      'readCursor',
      `select asked.key, m.command_count, m.hash,
        c.count as cursor_count, c.hash as cursor_hash
      from (select $2::text as key) asked
      left join ${schema}.model m on m.key = asked.key
      left join ${schema}.cursor c on c.key = asked.key and c.follower = $1`,
    ),

    place: statement(
      'placeCursor',
      `insert into ${schema}.cursor (follower, key, count, hash) values ($1, $2, $3, $4)
      on conflict (key, follower) do nothing
      returning key`,
    ),

    // Only from where the reader found it: a process that was taken for dead, and
    // goes on, can never move it back.
    move: statement(
      'moveCursor',
      `update ${schema}.cursor set count = $5, hash = $6
      where follower = $1 and key = $2 and count = $3 and hash = $4
      returning key`,
    ),

    remove: statement(
      'removeCursor',
      `delete from ${schema}.cursor
      where follower = $1 and key = $2 and count = $3 and hash = $4
      returning key`,
    ),
  }
}

/** Keys that fit the pattern: the prefix lets the index find them. */
function range(key: string): string {
  return `${key} >= $2 and ${key} > $3 and ${key} <= $2 || repeat(chr(1114111), 1000)
    and ${key} ~ $4`
}
