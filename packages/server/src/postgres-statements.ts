// Every statement is prepared under a name, and each touches a model by its key
// alone, so that the tables can be spread over machines by key.

import { CLIENT_COLUMNS, ENTRY_COLUMNS } from './postgres-rows.ts'

/** A prepared statement. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** The statements of a store whose tables lie in `schema`. */
export interface Statements {
  readonly create: Statement
  readonly load: Statement
  readonly news: Statement
  readonly history: Statement
  readonly latestEntries: Statement
  readonly oldestEntries: Statement
  readonly checkpoint: Statement
  readonly keepCheckpoint: Statement
  readonly hashes: Statement
  readonly heads: Statement
  readonly list: Statement
  readonly configure: Statement
  readonly lock: Statement
  readonly delete: Statement
  readonly commit: Statement
  readonly trim: Statement
  readonly forgetClients: Statement
}

// In the order in which `postgres-rows.ts` reads them.
const ENTRY = `json_build_array(${ENTRY_COLUMNS})`
const CLIENT = `json_build_array(${CLIENT_COLUMNS})`

/** Make the statements; `schema` is a quoted identifier. */
export function createStatements(schema: string): Statements {
  const name = (verb: string) => `flushout ${verb} ${schema}`

  const clients = (ids: string) => `(
    select json_agg(${CLIENT}) from ${schema}.client c
    where c.key = m.key and c.client_id = any (${ids}::text[])
  ) as clients`

  /** The latest entries that fulfil `condition`, as many as fit into \`maxBytes\`. */
  const latest = (condition: string, maxBytes: string) => `
    select * from (
      select f.*, sum(f.bytes) over (order by f.to_count desc rows unbounded preceding) as total
      from ${schema}.flush f where ${condition}
      order by f.to_count desc limit 5000
    ) f where f.total <= ${maxBytes}`

  /**
   * The entries of a range from its one end on, the first whatever it takes. What
   * begins before a count ends with the first that ends there or later.
   */
  const entries = (order: 'asc' | 'desc') => `
    select json_agg(${ENTRY} order by f.to_count) as entries from (
      select f.*, sum(f.bytes) over (order by f.to_count ${order} rows unbounded preceding) as total
      from ${schema}.flush f
      where f.key = $1 and f.to_count > $2 and f.from_count < $3 and f.to_count <= coalesce(
        (select min(l.to_count) from ${schema}.flush l where l.key = $1 and l.to_count >= $3),
        $3
      )
      order by f.to_count ${order} limit $4
    ) f where f.total <= $5 or f.total = f.bytes`

  return {
    create: {
      name: name('create'),
      // The first document begins every history.
      text: `
        with made as (
          insert into ${schema}.model (
            key, command_count, revision, hash, floor_count, floor_hash,
            checkpoint_count, checkpoint_hash, checkpoint, config, checkpoint_schema
          ) values ($1, $2, 0, $3, $2, $3, $2, $3, $4, $5, $6)
          on conflict (key) do nothing
          returning key
        ), kept as (
          insert into ${schema}.checkpoint (key, count, hash, document, document_schema)
          select key, $2, $3, $4, $6 from made
          on conflict (key, count) do update set hash = excluded.hash,
            document = excluded.document, document_schema = excluded.document_schema
        )
        select key from made`,
    },

    load: {
      name: name('load'),
      text: `
        select m.command_count, m.revision, m.hash, m.last_expired, m.erasures,
          m.checkpoint_count, m.checkpoint_hash, m.checkpoint, m.checkpoint_schema,
          (
            select json_agg(${ENTRY} order by f.to_count) from ${schema}.flush f
            where f.key = m.key and f.to_count > m.checkpoint_count
          ) as entries,
          ${clients('$2')}
        from ${schema}.model m where m.key = $1`,
    },

    // \`known_hash\` tells whether the count that the reader knows lies on the
    // history that is here now.
    news: {
      name: name('news'),
      text: `
        select m.command_count, m.revision, m.hash, m.last_expired, m.erasures,
          coalesce(
            (select f.hash from ${schema}.flush f where f.key = m.key and f.to_count = $2),
            case when m.floor_count = $2 then m.floor_hash end
          ) as known_hash,
          (
            select json_agg(${ENTRY} order by f.to_count)
            from (${latest(`f.key = m.key and f.to_count > $2`, '$4')}) f
          ) as entries,
          ${clients('$3')}
        from ${schema}.model m where m.key = $1`,
    },

    history: {
      name: name('history'),
      text: `
        with stretch as materialized (
          ${latest(`f.key = $1 and f.to_count <= $3 and f.from_count >= $2 and f.to_count > $2`, '$4')}
        ), start as (
          select min(from_count) as count from stretch
        )
        select
          (select json_agg(${ENTRY} order by f.to_count) from stretch f) as entries,
          coalesce(
            (select f.hash from ${schema}.flush f where f.key = $1 and f.to_count = start.count),
            (select m.floor_hash from ${schema}.model m where m.key = $1 and m.floor_count = start.count)
          ) as floor_hash
        from start`,
    },

    latestEntries: { name: name('latestEntries'), text: entries('desc') },

    oldestEntries: { name: name('oldestEntries'), text: entries('asc') },

    // One that is no point of the history may be left from another life of the
    // model, which a server of an older version ended.
    checkpoint: {
      name: name('checkpoint'),
      text: `
        select c.count, c.hash, c.document, c.document_schema from (
          (
            select k.count, k.hash, k.document, k.document_schema
            from ${schema}.checkpoint k join ${schema}.model m on m.key = k.key
            where k.key = $1 and k.count <= $2 and (
              (k.count = m.floor_count and k.hash = m.floor_hash)
              or k.hash = (select f.hash from ${schema}.flush f where f.key = $1 and f.to_count = k.count)
            )
            order by k.count desc limit 1
          )
          union all
          select m.checkpoint_count, m.checkpoint_hash, m.checkpoint, m.checkpoint_schema
          from ${schema}.model m where m.key = $1 and m.checkpoint_count <= $2
        ) c order by c.count desc limit 1`,
    },

    // The lock keeps the model from being deleted meanwhile, and from nothing else.
    keepCheckpoint: {
      name: name('keepCheckpoint'),
      text: `
        insert into ${schema}.checkpoint (key, count, hash, document, document_schema)
        select m.key, m.checkpoint_count, m.checkpoint_hash, m.checkpoint, m.checkpoint_schema
        from ${schema}.model m
        where m.key = $1 and (
          select coalesce(sum(f.bytes), 0) from ${schema}.flush f
          where f.key = m.key and f.to_count <= m.checkpoint_count and f.to_count > coalesce(
            (select max(k.count) from ${schema}.checkpoint k where k.key = m.key), m.floor_count
          )
        ) >= greatest($2::bigint, 4 * octet_length(m.checkpoint)::bigint)
        for key share of m
        on conflict (key, count) do nothing`,
    },

    // Where the history begins there may be no flush any more that ended there.
    hashes: {
      name: name('hashes'),
      text: `
        select coalesce(
          f.hash,
          case when c.count = m.floor_count then m.floor_hash when c.count > m.floor_count then '' end
        ) as hash
        from unnest($2::bigint[]) with ordinality as c (count, place)
        join ${schema}.model m on m.key = $1
        left join ${schema}.flush f on f.key = $1 and f.to_count = c.count
        order by c.place`,
    },

    heads: {
      name: name('heads'),
      text: `
        select m.key, m.command_count, m.revision, m.hash
        from ${schema}.model m where m.key = any ($1::text[])`,
    },

    // What begins with the prefix lies between it and itself with the last of all
    // characters behind it, more often than a key can have characters.
    list: {
      name: name('list'),
      text: `
        select m.key, m.command_count, m.revision, m.hash, m.config
        from ${schema}.model m
        where m.key >= $1 and m.key > $2 and m.key <= $1 || repeat(chr(1114111), 1000)
        order by m.key limit $3`,
    },

    configure: {
      name: name('configure'),
      text: `update ${schema}.model set config = $2 where key = $1 returning key`,
    },

    // Ends when every other writer of the model has ended; the next one waits.
    lock: {
      name: name('lock'),
      text: `select 1 from ${schema}.model where key = $1 for update`,
    },

    // Only after `lock`, in the same transaction, as the next statement: one that
    // waited for the row by itself would not see what was committed meanwhile.
    delete: {
      name: name('delete'),
      text: `
        with flushes as (
          delete from ${schema}.flush where key = $1
        ), clients as (
          delete from ${schema}.client where key = $1
        ), checkpoints as (
          delete from ${schema}.checkpoint where key = $1
        )
        delete from ${schema}.model where key = $1 returning key`,
    },

    // Succeeds, for each model by itself, only if the head is the very one that
    // the writer read: two servers can never both extend the same history. What
    // belongs to a model that lost is not written. Rows are locked in the order
    // of their keys, so that two such statements cannot block each other. `any` is there
    // so that they are looked up, however few models there are to read through.
    commit: {
      name: name('commit'),
      text: `
        with wanted as materialized (
          select w.* from unnest(
            $1::text[], $2::bigint[], $3::bigint[], $4::text[],
            $5::bigint[], $6::bigint[], $7::text[], $8::text[], $28::int[]
          ) as w (
            key, read_count, read_revision, read_hash, command_count, revision, hash, checkpoint,
            checkpoint_schema
          )
          join ${schema}.model m on m.key = w.key
          where m.key = any ($1::text[])
          order by m.key for update of m
        ), won as (
          update ${schema}.model m set
            command_count = w.command_count,
            revision = w.revision,
            hash = w.hash,
            checkpoint_count = case when w.checkpoint is null then m.checkpoint_count else w.command_count end,
            checkpoint_hash = case when w.checkpoint is null then m.checkpoint_hash else w.hash end,
            checkpoint = coalesce(w.checkpoint, m.checkpoint),
            checkpoint_schema = case when w.checkpoint is null then m.checkpoint_schema else w.checkpoint_schema end
          from wanted w
          where m.key = any ($1::text[]) and m.key = w.key and m.command_count = w.read_count
            and m.revision = w.read_revision and m.hash = w.read_hash
          returning m.key
        ), logged as (
          insert into ${schema}.flush (
            key, from_count, to_count, hash, client_id, sequence, user_id, at, bytes,
            commands, notes, salt
          )
          select f.key, from_count, to_count, hash, client_id, sequence, user_id, at, bytes,
            commands, notes::json, salt
          from rows from (
            unnest(
              $9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::bigint[],
              $15::text[], $16::bigint[], $17::int[], $19::text[], $20::text[]
            ),
            json_array_elements($18::json)
          ) as f (
            key, from_count, to_count, hash, client_id, sequence, user_id, at, bytes, notes, salt,
            commands
          )
          join won on won.key = f.key
        ), seen as (
          insert into ${schema}.client as c (
            key, client_id, user_id, sequence, digest, answer, seen_at
          )
          select c.key, client_id, user_id, sequence, digest, answer, seen_at
          from rows from (
            unnest(
              $21::text[], $22::text[], $23::text[], $24::bigint[], $25::text[], $27::bigint[]
            ),
            json_array_elements($26::json)
          ) as c (key, client_id, user_id, sequence, digest, seen_at, answer)
          join won on won.key = c.key
          on conflict (key, client_id) do update set
            sequence = excluded.sequence, digest = excluded.digest,
            answer = excluded.answer, seen_at = excluded.seen_at
        )
        select key from won`,
    },

    // Never reaches past the checkpoint: what comes after it is the document. The model
    // row comes first, so that of two who trim one finds nothing to do; and each step is
    // short, since whoever writes to the model waits for it.
    trim: {
      name: name('trim'),
      text: `
        with oldest as materialized (
          select f.to_count, f.hash, f.to_count <= m.checkpoint_count as is_covered,
            bool_and(f.to_count <= m.command_count - $2 and ($3::bigint is null or f.at < $3))
              over (order by f.to_count) as is_due
          from ${schema}.flush f join ${schema}.model m on m.key = f.key
          where f.key = $1 order by f.to_count limit $4 + 1
        ), horizon as (
          select to_count, hash from (
            select * from oldest where is_due and is_covered order by to_count limit $4
          ) o order by to_count desc limit 1
        ), moved as (
          update ${schema}.model m set floor_count = h.to_count, floor_hash = h.hash
          from horizon h where m.key = $1 and m.floor_count < h.to_count
          returning h.to_count
        ), dropped as (
          delete from ${schema}.flush f using moved where f.key = $1 and f.to_count <= moved.to_count
        ), useless as (
          delete from ${schema}.checkpoint k using moved where k.key = $1 and k.count < moved.to_count
        )
        select
          count(*) filter (where is_due and is_covered) > $4 as is_more,
          coalesce(bool_or(is_due and not is_covered), false) as is_held
        from oldest`,
    },

    // In the order of ids, so that the mark says of all before it that they may be gone.
    // Who was heard of meanwhile stays: their row is looked at again when it is locked.
    forgetClients: {
      name: name('forgetClients'),
      text: `
        with old as materialized (
          select c.client_id from ${schema}.client c
          where c.key = $1 and c.client_id < $2 and c.client_id ~ '^[0-9a-hjkmnp-tv-z]{26}$'
            and c.seen_at < $3
          order by c.client_id limit $4
        ), marked as (
          update ${schema}.model m set last_expired = greatest(m.last_expired, o.last)
          from (select max(client_id) as last from old) o
          where m.key = $1 and o.last is not null
          returning m.key
        ), gone as (
          delete from ${schema}.client c using old, marked
          where c.key = $1 and c.client_id = old.client_id and c.seen_at < $3
        )
        select count(*) = $4 as is_more from old`,
    },
  }
}
