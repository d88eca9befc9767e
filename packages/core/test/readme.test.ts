import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'

const read = (file: string) => readFile(new URL(file, import.meta.url), 'utf8')

test('the example in the README is this one, and does what its comments say', async () => {
  const [readme, source] = await Promise.all([
    read('../README.md'),
    read('support/readme-example.ts'),
  ])
  const [, example] = /```ts\n([^]*?)```/.exec(readme)!
  expect(example!.trim()).toBe(source.split('\n// What the test')[0]!.trim())

  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const { master, milk, proxy } = await import('./support/readme-example.ts')
  const lines = log.mock.calls.map(([line]) => line as unknown)
  log.mockRestore()
  const { id } = milk
  expect(lines).toMatchObject([
    { todos: { [id]: { text: 'Milk' } } },
    { todos: { [id]: { text: 'Milk', done: true } } },
    { todos: { [id]: { text: 'Milk', createdAt: expect.any(Number), done: true } } },
    { kind: 'amended', command: { props: { text: 'Milk', createdAt: expect.any(Number) } } },
    { text: 'Milk', createdAt: expect.any(Number), done: true },
    { queued: 0, inFlight: 0, confirmed: 2, rejected: 0 },
  ])
  expect(master.snapshot()).toMatchObject({ commandCount: 2, document: proxy.read() })
})

test('the README names every entry of the package', async () => {
  const [readme, manifest] = await Promise.all([read('../README.md'), read('../package.json')])
  const { exports, engines, peerDependencies } = JSON.parse(manifest) as Record<
    string,
    Record<string, string>
  >
  for (const entry of Object.keys(exports!))
    expect(readme).toContain(`\`@flushout/core${entry.slice(1)}\``)
  for (const range of [engines!['node']!, peerDependencies!['immer']!]) {
    expect(readme).toContain(range.replace(/[>=^]/g, '').replace(/\.0\.0$/, ''))
  }
})
