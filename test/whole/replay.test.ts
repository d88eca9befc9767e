// `flushout export` and `flushout replay`, as somebody runs them.
import { allowAnyone, createService, postgresStore } from '@flushout/server'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'
import { runTool } from '../support/tool.ts'

const KEY = 'todos:groceries'

test('a model of a database becomes a file, and the file the document again', async () => {
  const database = await createDatabase(inject('postgresUrl'))
  onTestFinished(() => database.drop())
  const folder = await mkdtemp(join(tmpdir(), 'flushout-export-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const store = postgresStore({ connectionString: database.url })
  await store.migrate()
  const service = createService({
    store,
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*', initial: { todos: {} } }],
  })
  let { commandCount: from, hash } = await service.snapshot(KEY)
  for (let sequence = 1; sequence <= 1100; sequence += 1) {
    const id = `n${sequence % 50}`
    const text = `\u2028 🙂 ${'x'.repeat(200)}`
    ;({ commandCount: from, hash } = await service.flush(KEY, {
      protocol: 1,
      clientId: 'ada',
      sequence,
      from,
      hash,
      commands: [
        { action: 'delete', path: ['todos', id] },
        { action: 'create', path: ['todos'], id, props: { sequence, text } },
      ],
    }))
  }
  const { document } = await service.snapshot(KEY)
  const then = await service.snapshotAt(KEY, 1234)
  await service.close()

  const exported = await runTool(['export', '--model', KEY, '--url', database.url])
  expect(exported).toMatchObject({ code: 0, err: '' })
  const file = join(folder, 'todos.jsonl')
  await writeFile(file, exported.out)
  expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(1103)

  const replayed = await runTool(['replay', file, '--hash', hash])
  expect(replayed).toMatchObject({
    code: 0,
    err: `${KEY} at 2200: 1100 flushes, nothing wrong.\n`,
  })
  expect(JSON.stringify(JSON.parse(replayed.out))).toBe(JSON.stringify(document))
  const earlier = await runTool(['replay', file, '--at', '1234'])
  expect(JSON.parse(earlier.out)).toEqual(then.document)
  expect(await runTool(['replay', '--check', file])).toMatchObject({ code: 0, out: '' })

  await writeFile(file, exported.out.replace('"sequence":700,"text"', '"sequence":701,"text"'))
  const damaged = await runTool(['replay', file])
  expect(damaged).toMatchObject({ code: 1, out: '' })
  expect(damaged.err).toMatch(/todos\.jsonl: Line 701: The hash is \S+, the entries make \S+\n$/)
  expect(await runTool(['replay', file, '--hash', 'x'])).toMatchObject({ code: 1 })

  const usage = { code: 2, out: '' }
  const none = await runTool(['export', '--model', 'todos:none', '--url', database.url])
  expect(none).toEqual({ ...usage, err: 'There is no model "todos:none".\n' })
  expect(await runTool(['export', '--url', database.url])).toMatchObject(usage)
  expect(await runTool(['export', '--model', KEY])).toMatchObject(usage)
  expect(await runTool(['replay'])).toMatchObject(usage)
  expect(await runTool(['replay', file, '--at', 'x'])).toMatchObject(usage)
  expect(await runTool(['replay', join(folder, 'none')])).toMatchObject(usage)
})
