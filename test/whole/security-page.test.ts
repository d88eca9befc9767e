// What docs/security.md says is there.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createService, memoryStore } from '@flushout/server'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = await readFile(join(root, 'docs/security.md'), 'utf8')

test('every item of the list of OWASP has tests, and they are there', async () => {
  const items = page.split('\n').filter((line) => /^\| API\d+ /.test(line))
  expect(items.map((line) => Number(/^\| API(\d+)/.exec(line)![1]))).toEqual(
    Array.from({ length: 10 }, (_, index) => index + 1),
  )
  for (const item of items) {
    const files = item.match(/[\w/-]+\.test\.tsx?/g) ?? []
    expect(files.length, item).toBeGreaterThan(0)
    for (const file of files) {
      const found = await stat(join(root, file)).catch(() => undefined)
      expect(found, file).toBeDefined()
    }
  }
})

test('there is no server without somebody who says who may do what', () => {
  const options = { store: memoryStore(), models: [{ pattern: 'todos:*' }] }
  for (const authorize of [undefined, null, true]) {
    expect(() => createService({ ...options, authorize } as never)).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID' }),
    )
  }
})

const ASKING =
  /\b(?:fetch|WebSocket|EventSource)\(|(?:^import (?!type\b)[^']* from |\bimport\()'(?:node:(?:https?|http2|net|tls|dns|dgram)|pg)'/m

test('no source of core or server can ask an address, but those that speak with Postgres', async () => {
  const asking: string[] = []
  for (const folder of ['packages/core/src', 'packages/server/src']) {
    for (const file of await readdir(join(root, folder), { recursive: true })) {
      if (!file.endsWith('.ts')) continue
      const source = await readFile(join(root, folder, file), 'utf8')
      if (ASKING.test(source)) asking.push(file)
    }
  }
  // It takes the names of HTTP statuses from there.
  const isKnown = (file: string) => /^(?:postgres-|cli\/|fastify-options)/.test(file)
  expect(asking.filter((file) => !isKnown(file))).toEqual([])
  expect(asking.filter(isKnown)).not.toEqual([])
})
