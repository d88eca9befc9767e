// `flushout verify` on a real database, sound and damaged.
import type { Flush } from '@flushout/core'
import { allowAnyone, createService, postgresStore } from '@flushout/server'
import pg from 'pg'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { verifyDatabase } from '../../packages/server/src/verify/verify-database.ts'
import { createDatabase, runOn } from '../support/postgres.ts'
import { runTool } from '../support/tool.ts'

/** Two models, one of 450 flushes with kept checkpoints, one whose history was trimmed. */
async function populate(): Promise<string> {
  const database = await createDatabase(inject('postgresUrl'))
  onTestFinished(() => database.drop())
  for (const [key, history] of [
    ['todos:long', 'all'],
    ['todos:trimmed', { last: 50 }],
  ] as const) {
    const store = postgresStore({ connectionString: database.url })
    await store.migrate()
    const service = createService({
      store,
      authorize: allowAnyone,
      models: [{ pattern: 'todos:*', initial: { todos: {} } }],
      checkpoint: { flushes: 40, keepBytes: 4000 },
      history,
    })
    let { commandCount: from, hash } = await service.snapshot(key)
    for (let sequence = 1; sequence <= 450; sequence += 1) {
      const commands: Flush['commands'] = [
        {
          action: 'create',
          path: ['todos'],
          id: `n${sequence % 9}-${sequence}`,
          props: { sequence },
        },
        { action: 'delete', path: ['todos', `n${(sequence - 5) % 9}-${sequence - 5}`] },
      ]
      const flush: Flush = { protocol: 1, clientId: 'ada', sequence, from, hash, commands }
      ;({ commandCount: from, hash } = await service.flush(key, flush))
    }
    await service.close()
  }
  return database.url
}

async function findFaults(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const faults: string[] = []
  for await (const event of verifyDatabase(client, 'flushout')) {
    if (event.kind === 'fault') faults.push(event.fault)
  }
  await client.end()
  return faults
}

const LONG = `where key = 'todos:long'`

describe('a check of a database', () => {
  test('finds nothing in a sound one, and names what is wrong in a damaged one', async () => {
    const url = await populate()
    expect(await findFaults(url)).toEqual([])
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query(
      `select count from flushout.checkpoint ${LONG} order by count`,
    )
    expect(rows.length).toBeGreaterThan(3)
    const kept = Number((rows[2] as { count: string }).count)
    const damages: [string, RegExp][] = [
      [`delete from flushout.flush ${LONG} and to_count = 500`, /goes on at 500 after 498$/],
      [
        `update flushout.flush set commands = replace(commands::text, '250', '251')::json ${LONG} and to_count = 500`,
        /the hash at 500 is \S+, the entries make/,
      ],
      [`update flushout.flush set user_id = 'eve' ${LONG} and to_count = 2`, /hash at 2 is/],
      [
        `update flushout.flush set from_count = 497 ${LONG} and to_count = 500`,
        /goes on at 497 after 498/,
      ],
      [`update flushout.flush set commands = '5' ${LONG} and to_count = 500`, /has 0 commands/],
      [`update flushout.flush set sequence = 3 ${LONG} and to_count = 500`, /hash at 500/],
      [`update flushout.model set hash = 'x' ${LONG}`, /the head has hash x, the log ends with/],
      [`update flushout.model set command_count = 902 ${LONG}`, /ends at 900, the head is at 902/],
      [`update flushout.model set floor_hash = 'x' ${LONG}`, /at 0 \(\S+\), where the log has x/],
      [`update flushout.model set checkpoint = '{' ${LONG}`, /checkpoint at 900 is no document/],
      [
        `update flushout.checkpoint set document = '{"todos":{}}' ${LONG} and count = ${kept}`,
        /: the checkpoint at \d+ is not what the log makes$/,
      ],
      [
        `update flushout.checkpoint set hash = 'x' ${LONG} and count = ${kept}`,
        /: the checkpoint is at \d+ \(x\), where the log has/,
      ],
      [
        `delete from flushout.client ${LONG}`,
        /client ada is at flush 0, the log has its flush 450/,
      ],
      [`delete from flushout.model ${LONG}`, /^todos:long: the table flush has rows of it, but/],
    ]
    for (const [sql, expected] of damages) {
      await client.query('begin')
      await client.query(sql)
      // On the same connection: what is damaged is taken back afterwards.
      const faults: string[] = []
      const nested = {
        query: ({ text, values }: { text: string; values?: unknown[] }) =>
          client.query(
            /^(begin|rollback)/.test(text) ? 'select 1' : text,
            /^(begin|rollback)/.test(text) ? [] : values,
          ),
      }
      for await (const event of verifyDatabase(nested, 'flushout')) {
        if (event.kind === 'fault') faults.push(event.fault)
      }
      await client.query('rollback')
      expect(faults[0], sql).toMatch(expected)
      expect(faults[0]).toMatch(/^todos:long: /)
    }
    expect(await findFaults(url)).toEqual([])
    await client.end()
  })
})

describe('the tool', () => {
  test('says that nothing is wrong, or the first fault, or why it could not look', async () => {
    const url = await populate()
    expect(await runTool(['verify', '--url', url])).toEqual({
      code: 0,
      out: '2 models, nothing wrong.\n',
      err: '',
    })
    const value = ['--model', 'todos:long', 'todos', 'n0-450']
    expect(await runTool(['erase', '--url', url, ...value])).toEqual({
      code: 0,
      out: 'Erased from 1 entries, 1 checkpoints and 0 answers.\n',
      err: '',
    })
    expect(await runTool(['erase', '--url', url, 'todos'])).toMatchObject({ code: 2 })
    expect(await runTool(['erase', '--url', url, '--model', 'todos:long'])).toMatchObject({
      code: 2,
    })
    expect(await runTool(['verify', '--url', url])).toMatchObject({
      code: 0,
      out: '2 models, nothing wrong. From 1 entries something was erased.\n',
    })
    await runOn(url, `update flushout.flush set user_id = 'eve' where to_count = 890`)
    const found = await runTool(['verify'], { DATABASE_URL: url })
    expect(found).toMatchObject({ code: 1, out: '' })
    expect(found.err).toMatch(/^todos:long: the hash at 890 is \S+, the entries make \S+\n$/)
    expect(await runTool(['verify', '--url', url, '--schema', 'other'])).toMatchObject({ code: 2 })
    expect(await runTool(['verify'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--url'),
    })
    expect(await runTool(['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('--url'),
    })
    expect(await runTool(['verify', '--force', '--url', url])).toMatchObject({ code: 2 })
  })
})
