import { catalogue } from '@flushout/core'
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const read = (file: string) => readFile(join(root, file), 'utf8')

/** The pages that a reader may come to. */
async function listPages(): Promise<string[]> {
  const docs = (await readdir(join(root, 'docs'))).map((file) => `docs/${file}`)
  const packages = (await readdir(join(root, 'packages'))).map(
    (name) => `packages/${name}/README.md`,
  )
  const others = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'examples/todo/README.md']
  return [...others, ...docs, ...packages].filter((file) => file.endsWith('.md'))
}

test('the page of errors has a heading for each code of the catalogue, and no other', async () => {
  const headings = [...(await read('docs/errors.md')).matchAll(/^### (.+)$/gm)].map(
    ([, code]) => code,
  )
  expect(new Set(headings)).toEqual(new Set(Object.keys(catalogue)))
})

test('the page of errors names the HTTP status of each code that has one', async () => {
  const { toHttpError } = await import('../../packages/server/src/http-errors.ts')
  const { FlushoutError } = await import('@flushout/core')
  const page = await read('docs/errors.md')
  for (const code of Object.keys(catalogue) as (keyof typeof catalogue)[]) {
    const section = page.split(`### ${code}\n`)[1]!.split('\n###')[0]!
    const named = /^HTTP (\d+)/.exec(section)?.[1]
    if (named)
      expect(`${code} ${toHttpError(new FlushoutError(code, '')).status}`).toBe(`${code} ${named}`)
  }
})

test('the code in the README is the code that the tests run', async () => {
  const readme = await read('README.md')
  for (const file of ['test/readme/todo-list.ts', 'test/readme/server.ts', 'test/readme/app.tsx']) {
    expect(readme).toContain(`\n${(await read(file)).trim()}\n\`\`\``)
  }
})

test('the service worker in the docs is the one of the example', async () => {
  const page = await read('docs/offline.md')
  for (const file of ['src/app/service-worker.js', 'keep-app.ts']) {
    expect(page).toContain(`\n${(await read(`examples/todo/${file}`)).trim()}\n\`\`\``)
  }
})

test('the examples of the page about offline are the ones that are tested', async () => {
  const page = await read('docs/offline.md')
  for (const file of [
    'client/test/readme/close-all.ts',
    'client/test/readme/long-absence.ts',
    'react/test/support/offline-example.tsx',
  ]) {
    expect(page).toContain(`\n${(await read(`packages/${file}`)).trim()}\n\`\`\``)
  }
})

test('the rule in the docs is the one that is tested', async () => {
  const example = await read('packages/core/test/readme/one-active.ts')
  expect(await read('docs/rules.md')).toContain(`\n${example.trim()}\n\`\`\``)
})

test('the server on the page about users is the one that is tested', async () => {
  const example = await read('test/readme/auth-server.ts')
  expect(await read('docs/auth.md')).toContain(`\n${example.trim()}\n\`\`\``)
})

test('the examples of the page about conflicts are the ones that are tested', async () => {
  const page = await read('docs/conflicts.md')
  for (const file of [
    'server/test/support/join-tags.ts',
    'react/test/support/conflicts-example.tsx',
  ]) {
    expect(page).toContain(`\n${(await read(`packages/${file}`)).trim()}\n\`\`\``)
  }
})

test('the examples of the page about followers are the ones that are tested', async () => {
  const page = await read('docs/followers.md')
  for (const file of ['follower.ts', 'key-value-view.ts', 'replay.test.ts']) {
    expect(page).toContain(`\n${(await read(`test/readme/${file}`)).trim()}\n\`\`\``)
  }
})

test('every script that a page shows is there', async () => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> }
  for (const page of await listPages()) {
    for (const [, name] of (await read(page)).matchAll(
      /npm (?:run )?(start|test|check|format|bench)\b/g,
    )) {
      expect(scripts, `${page} shows npm ${name}`).toHaveProperty(name!)
    }
  }
})

test('every link leads somewhere', async () => {
  for (const page of await listPages()) {
    for (const [, target] of (await read(page)).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      const found = await stat(join(root, dirname(page), target!)).catch(() => undefined)
      expect(found, `${page} links to ${target}`).toBeDefined()
    }
  }
})
