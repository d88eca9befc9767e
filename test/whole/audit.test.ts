// The audit that other tests rely on: it finds nothing in a sound database, and
// names what is wrong in one that somebody has laid hands on.
import type { Flush, FlushAnswer, Snapshot } from '@flushout/core'
import { allowAnyone, createService, postgresStore } from '@flushout/server'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { auditDatabase, auditServed } from '../support/audit.ts'
import { Ledger } from '../support/ledger.ts'
import { createDatabase, runOn } from '../support/postgres.ts'
import { readModels } from '../support/stored-model.ts'

const KEY = 'todos:a'

/** Three flushes of ada and two of bob on one model; the checkpoint lies amid them. */
async function populate(url: string): Promise<{ ledger: Ledger; served: Snapshot }> {
  const store = postgresStore({ connectionString: url })
  await store.migrate()
  const models = [{ pattern: 'todos:*', initial: { todos: {} } }]
  const service = createService({
    store,
    authorize: allowAnyone,
    models,
    checkpoint: { flushes: 4 },
  })
  const ledger = new Ledger()
  const transport = ledger.watch({
    load: (key) => service.snapshot(key),
    flush: (key, flush) => service.flush(key, flush),
  })
  const { signal } = new AbortController()
  let { commandCount, hash } = await transport.load(KEY, signal)
  for (const name of ['ada 1', 'bob 1', 'ada 2', 'bob 2', 'ada 3']) {
    const [clientId = '', sequence] = name.split(' ')
    const commands: Flush['commands'] = [
      { action: 'create', path: ['todos'], id: name, props: { by: clientId } },
      { action: 'update', path: ['todos', name], props: { done: true } },
    ]
    const flush: Flush = {
      protocol: 1,
      clientId,
      sequence: Number(sequence),
      from: commandCount,
      hash,
      commands,
    }
    ;({ commandCount, hash } = (await transport.flush(KEY, flush, signal)) as FlushAnswer)
  }
  const served = await service.snapshot(KEY)
  // Closing would write a checkpoint at the head.
  await store.close()
  return { ledger, served }
}

/** What the audit finds after `sql`, of the database and of what was acknowledged. */
async function findAfter(sql: string): Promise<{ stored: string[]; told: string[] }> {
  const database = await createDatabase(inject('postgresUrl'))
  onTestFinished(() => database.drop())
  const { ledger } = await populate(database.url)
  await runOn(database.url, sql)
  const told = ledger.audit(await readModels(database.url))
  return { stored: await auditDatabase(database.url), told }
}

test('a sound database breaks no promise', async () => {
  const { stored, told } = await findAfter('select 1')
  expect(stored).toEqual([])
  expect(told).toEqual([])
})

describe('the audit names', () => {
  const LAST = `client_id = 'ada' and sequence = 3`
  const cases = {
    'an entry that is gone': {
      sql: `delete from flushout.flush where client_id = 'bob' and sequence = 1`,
      stored: ['the log goes on at 4 after 2', /^the hash at 6 is/],
      told: [/^flush 1 of client bob was acknowledged at 4, and is lost$/, /none$/],
    },
    'a head that is ahead of the log': {
      sql: `delete from flushout.flush where ${LAST}`,
      stored: ['the log ends at 8, the head is at 10', /^the head has hash/],
      told: [/^flush 3 of client ada was acknowledged at 10, and is lost$/, /none$/],
    },
    'an entry that is as long as it should not be': {
      sql: `update flushout.flush set commands = json_build_array(commands->0) where ${LAST}`,
      stored: ['an entry from 8 to 10 has 1 commands', /^the hash at 10 is/],
      told: [],
    },
    'an entry that was changed': {
      sql: `update flushout.flush set commands = replace(commands::text, 'ada 3', 'eve')::json where ${LAST}`,
      stored: [/^the hash at 10 is \S{22}, the entries make \S{22}$/],
      told: [],
    },
    'a history that is another one': {
      sql: `update flushout.flush set hash = 'other' where ${LAST}`,
      stored: [/^the hash at 10 is other/, /the log ends with other$/],
      told: [/^flush 3 of client ada was told hash \S{22} at 10, where now is other$/],
    },
    'a flush that is there twice': {
      sql: `update flushout.flush set sequence = 2 where ${LAST}`,
      stored: [/^the hash at 10 is/, 'flush 2 of client ada is at 10, after its flush 2'],
      told: [
        /^flush 2 of client ada is in the log at 6 and 10$/,
        /ada was acknowledged at 10, and is lost/,
      ],
    },
    'a client row that lags behind': {
      sql: `update flushout.client set sequence = 2 where client_id = 'ada'`,
      stored: ['the row of client ada is at flush 2, the log has its flush 3'],
      told: [],
    },
    'a client row that is gone': {
      sql: `delete from flushout.client where client_id = 'bob'`,
      stored: ['the row of client bob is at flush 0, the log has its flush 2'],
      told: [],
    },
    'a checkpoint of another history': {
      sql: `update flushout.model set checkpoint_hash = 'other'`,
      stored: [/^the checkpoint is at 8 \(other\), where the log has \S{22}$/],
      told: [],
    },
    'a checkpoint before the log': {
      sql: `update flushout.model set checkpoint_count = -1`,
      stored: ['the checkpoint is at -1, the log begins at 0'],
      told: [],
    },
    'a checkpoint that the log does not go on from': {
      sql: `update flushout.model set checkpoint = '{}'`,
      stored: ['the checkpoint at 8 is not what the log makes'],
      told: [],
    },
    'a first document that the log does not go on from': {
      sql: `update flushout.checkpoint set document = '{}'`,
      stored: [/^the log does not apply at 0 to the checkpoint before: There is no "todos"/],
      told: [],
    },
    'a kept document of another history': {
      sql: `update flushout.checkpoint set count = 3`,
      stored: [/^the checkpoint is at 3 \(\S+\), where the log has no hash$/],
      told: [],
    },
    'a model that is gone': {
      sql: 'delete from flushout.model',
      stored: [],
      told: [2, 4, 6, 8, 10].map((count) => new RegExp(`^acknowledged up to ${count}, and gone$`)),
    },
  }

  test.for(Object.entries(cases))('%s', async ([, { sql, stored, told }]) => {
    const found = await findAfter(sql)
    expectEach(found.stored, stored)
    expectEach(found.told, told)
  })

  test('a server that serves something else', async () => {
    const database = await createDatabase(inject('postgresUrl'))
    onTestFinished(() => database.drop())
    const { served } = await populate(database.url)
    const [model] = await readModels(database.url)
    expect(auditServed(model!, served)).toEqual([])
    const behind = { ...served, commandCount: 9 }
    expectEach(auditServed(model!, behind), [/^served at 9 \(\S+\), but stored at 10 \(\S+\)$/])
    const changed = { ...served, document: { todos: {} } }
    expectEach(auditServed(model!, changed), [
      /^served as \{"todos":\{\}\}, but checkpoint and hist/,
    ])
  })
})

/** Each finding as expected, in this order, and no other; all of them are about the one model. */
function expectEach(findings: readonly string[], expected: readonly (string | RegExp)[]): void {
  const plain = findings.map((finding) => finding.replace(`${KEY}: `, ''))
  const fits = (finding: string, index: number) => {
    const wanted = expected[index] ?? 'nothing'
    return typeof wanted === 'string' ? finding === wanted : wanted.test(finding)
  }
  const isAsExpected = plain.length === expected.length && plain.every(fits)
  expect(isAsExpected, `found ${JSON.stringify(plain, null, 1)}`).toBe(true)
}
