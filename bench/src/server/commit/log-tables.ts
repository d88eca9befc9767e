import type pg from 'pg'
import { COMMANDS } from './scheme.ts'
import { MODELS } from './spread.ts'

/** Tables for a head, a history and clients, as ours are, with one row for each model. */
export function createLogTables(prefix: string): string {
  return `
    create table ${prefix}_model (
      key int primary key, command_count bigint not null, revision bigint not null,
      hash text not null
    ) with (fillfactor = 70);
    create table ${prefix}_flush (
      key int not null, to_count bigint not null, client_id text not null,
      sequence bigint not null, hash text not null, commands json not null,
      primary key (key, to_count)
    );
    create table ${prefix}_client (
      key int not null, client_id text not null, sequence bigint not null, digest text not null,
      answer json not null, primary key (key, client_id)
    ) with (fillfactor = 70);
    insert into ${prefix}_model select n, 0, 0, '' from generate_series(0, ${MODELS - 1}) n;
  `
}

// In the order in which a prepared statement takes them.
const TYPES = {
  key: 'int',
  count: 'bigint',
  hash: 'text',
  client: 'text',
  sequence: 'bigint',
  commands: 'json',
}

type Name = keyof typeof TYPES

/**
 * The compare and the append of one flush: head, history and client in one statement, and only
 * if the head is at least where the writer read it. One who commits alone could ask for the
 * very same; this takes as long, and needs nobody to keep count.
 */
export function compareAndAppend(
  prefix: string,
  write: (name: Name, type: string) => string,
): string {
  const place = (name: Name) => write(name, TYPES[name])
  return `
    with won as (
      update ${prefix}_model set command_count = command_count + ${COMMANDS},
        revision = revision + 1, hash = ${place('hash')}
      where key = ${place('key')} and command_count >= ${place('count')}
      returning key, command_count
    ), logged as (
      insert into ${prefix}_flush (key, to_count, client_id, sequence, hash, commands)
      select key, command_count, ${place('client')}, ${place('sequence')}, ${place('hash')},
        ${place('commands')} from won
    )
    insert into ${prefix}_client (key, client_id, sequence, digest, answer)
    select key, ${place('client')}, ${place('sequence')}, ${place('hash')}, '{"verdicts":[],"remaps":[]}'
    from won
    on conflict (key, client_id) do update set
      sequence = excluded.sequence, digest = excluded.digest, answer = excluded.answer`
}

/** The same for node-postgres: gives a query for the values of one flush. */
export function prepareAppend(
  prefix: string,
): (values: Record<Name, string | number>) => pg.QueryConfig {
  const names = Object.keys(TYPES) as Name[]
  const text = compareAndAppend(prefix, (name, type) => `$${names.indexOf(name) + 1}::${type}`)
  return (values) => ({ name: 'append', text, values: names.map((name) => values[name]) })
}
