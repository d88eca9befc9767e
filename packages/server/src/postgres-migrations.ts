/**
 * The tables, one step after the other. Steps that were released are never
 * changed, only followed by more. Old and new instances run side by side during
 * a deployment, so a step only adds what old ones can ignore.
 */
export const migrations: readonly ((schema: string) => string)[] = [
  (schema) => `
    create table ${schema}.model (
      key text collate "C" primary key,
      command_count bigint not null,
      revision bigint not null,
      hash text not null,
      -- Where the history in \`flush\` begins.
      floor_count bigint not null,
      floor_hash text not null,
      checkpoint_count bigint not null,
      checkpoint_hash text not null,
      -- The document as JSON. Never jsonb, which reorders keys.
      checkpoint text not null
    )
    -- Room for the next version of a row on its page, and the document out of the
    -- way: a commit that leaves the checkpoint alone must not write it again.
    with (fillfactor = 70, toast_tuple_target = 128);
    alter table ${schema}.model alter column checkpoint set storage external;

    create table ${schema}.flush (
      key text collate "C" not null,
      to_count bigint not null,
      from_count bigint not null,
      hash text not null,
      client_id text not null,
      sequence bigint not null,
      user_id text,
      -- Milliseconds since 1970; part of what the hash was made of.
      at bigint not null,
      -- Of \`commands\`, so that it can be added up without reading them.
      bytes integer not null,
      commands json not null,
      primary key (key, to_count)
    );

    create table ${schema}.client (
      key text collate "C" not null,
      client_id text collate "C" not null,
      user_id text,
      sequence bigint not null,
      digest text not null,
      answer json not null,
      seen_at bigint not null,
      primary key (key, client_id)
    )
    with (fillfactor = 70);
  `,
  (schema) => `
    -- What the application says about the model, as JSON; null if it said nothing.
    alter table ${schema}.model add column config text;
  `,
  (schema) => `
    -- Documents of the past, from which the history leads to every later one.
    create table ${schema}.checkpoint (
      key text collate "C" not null,
      count bigint not null,
      hash text not null,
      document text not null,
      primary key (key, count)
    );
  `,
  (schema) => `
    -- What the history tells of the commands besides, as JSON, or null.
    alter table ${schema}.flush add column notes json;
    -- Part of what the hash was made of; '' where contents were erased, and then
    -- \`seal\` stands for them.
    alter table ${schema}.flush add column salt text not null default '';
    alter table ${schema}.flush add column seal text;
  `,
  (schema) => `
    -- How far each follower is in each model.
    create table ${schema}.cursor (
      key text collate "C" not null,
      follower text collate "C" not null,
      count bigint not null,
      hash text not null,
      primary key (key, follower)
    )
    with (fillfactor = 70);

    -- Which process follows under a name, and until when it need not say so again.
    create table ${schema}.follower (
      name text collate "C" primary key,
      holder text not null,
      held_until timestamptz not null
    );
  `,
  (schema) => `
    -- The last client, in the order of ids, whose row went: who comes before it and
    -- has none may have had one.
    alter table ${schema}.model add column last_expired text collate "C" not null default '';
  `,
  (schema) => `
    -- How often something was erased from the history: who has older entries in memory
    -- has to forget them.
    alter table ${schema}.model add column erasures bigint not null default 0;
  `,
  (schema) => `
    -- The schema version of the document beside it.
    alter table ${schema}.model add column checkpoint_schema integer not null default 1;
    alter table ${schema}.checkpoint add column document_schema integer not null default 1;
  `,
]
