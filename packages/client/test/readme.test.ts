import { createTestServer } from '@flushout/client/testing'
import { readFile } from 'node:fs/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { DEFAULT_TIMING } from '../src/flush-timing.ts'
import { listen, serve } from './support/http-server.ts'

const here = (file: string) => readFile(new URL(file, import.meta.url), 'utf8')

afterEach(() => void vi.unstubAllGlobals())

test('the code in the README is the code that the tests run', async () => {
  const readme = await here('../README.md')
  for (const file of ['readme/app.ts', 'readme/testing.ts']) {
    expect(readme).toContain(`\`\`\`ts\n${await here(file)}\`\`\``)
  }
})

test('the example brings its todo to a server', async () => {
  const server = createTestServer({ 'todos:groceries': { todos: {} } })
  const { url, close } = await listen(serve(server, () => {}))
  const { fetch } = globalThis
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  vi.stubGlobal('fetch', (address: string, init: RequestInit) =>
    fetch(address.replace('https://example.com', url), init),
  )
  await import('./readme/app.ts')
  const { document } = server.snapshot('todos:groceries')
  expect(Object.values(document['todos'] as object)).toEqual([{ text: 'Coffee', done: true }])
  expect(log).toHaveBeenCalledWith('polling', [])
  log.mockRestore()
  await close()
})

test('the example of a test says what it prints', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./readme/testing.ts')
  expect(log.mock.calls).toEqual([[1]])
  log.mockRestore()
})

test('the table of options has each time with its default', async () => {
  const readme = await here('../README.md')
  const rows = [
    ...readme.matchAll(/^\| `flush\.(\w+)` \| (?:ms[^|]*|`auto`, `manual`) \| `?([^|`]+)`? \|/gm),
  ]
  const defaults = rows.map(([, name, value]) => [name, value!.trim().replace(',', '')])
  expect(Object.fromEntries(defaults)).toEqual(
    Object.fromEntries(
      Object.entries(DEFAULT_TIMING).map(([name, value]) => [name, String(value)]),
    ),
  )
})
