// How long a page takes, without any server, from `createClient` to a document that can
// be read, unsent edits included. Each sample is a page of its own.
import { flushout, memoryStore } from '@flushout/server'
import Fastify from 'fastify'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import type { OfflinePage } from './page.ts'

declare const offlinePage: OfflinePage

/** What one size of document took, in milliseconds, shortest first. */
export interface Start {
  readonly bytes: number
  readonly opened: readonly number[]
  /** The part that the browser takes: the database opened, and all rows read and parsed. */
  readonly rows: readonly number[]
}

const UNSENT = 40

/** Keep a list of about `bytes` on the device, with unsent edits, and open it `times` times. */
export async function startFromDisk(
  context: BrowserContext,
  { bytes, times }: { bytes: number; times: number },
): Promise<Start> {
  const document = { todos: makeTodos(bytes) }
  // As many are added as are deleted.
  const count = Object.keys(document.todos).length
  const server = Fastify()
  await server.register(flushout, {
    store: memoryStore(),
    authorize: () => true,
    models: [{ pattern: 'todos:*', initial: document }],
  })
  const script = await bundlePage()
  server.get('/', (_request, reply) =>
    reply.type('text/html').send('<script src="/page.js"></script>'),
  )
  server.get('/page.js', (_request, reply) => reply.type('text/javascript').send(script))
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  const first = await openPage(context, url)
  await first.evaluate(() => offlinePage.open())
  // From now on there is no server: the page comes out of a route, as out of a service worker.
  await server.close()
  await serveWithoutServer(context, script)
  await first.evaluate((edits) => offlinePage.edit(edits), UNSENT)
  await first.close()

  const samples = { opened: [] as number[], rows: [] as number[] }
  for (let time = 0; time < times; time += 1) {
    await using page = await openPage(context, url)
    const { ms, todos, unsent } = await page.evaluate(() => offlinePage.open())
    if (todos !== count || unsent !== UNSENT) {
      throw new Error(`There are ${todos} todos and ${unsent} unsent edits.`)
    }
    samples.opened.push(ms)
    await page.close()
    await using bare = await openPage(context, url)
    samples.rows.push(await bare.evaluate(() => offlinePage.readRows()))
  }
  await context.unrouteAll()
  return {
    bytes: JSON.stringify(document).length,
    opened: samples.opened.sort((a, b) => a - b),
    rows: samples.rows.sort((a, b) => a - b),
  }
}

async function openPage(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  return page
}

async function serveWithoutServer(context: BrowserContext, script: string): Promise<void> {
  await context.route('**/*', (route) => {
    const { pathname } = new URL(route.request().url())
    if (pathname === '/') {
      return route.fulfill({ contentType: 'text/html', body: '<script src="/page.js"></script>' })
    }
    if (pathname === '/page.js') {
      return route.fulfill({ contentType: 'text/javascript', body: script })
    }
    return route.abort('connectionrefused')
  })
}

function makeTodos(bytes: number): Record<string, { text: string; done: boolean }> {
  const todos: Record<string, { text: string; done: boolean }> = {}
  for (let index = 0; index * 100 < bytes; index += 1) {
    const id = `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`
    todos[id] = {
      text: `Thing number ${String(index).padStart(6, '0')} of a longer list`,
      done: false,
    }
  }
  return todos
}

async function bundlePage(): Promise<string> {
  const entry = fileURLToPath(new URL('page.ts', import.meta.url))
  const built = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@flushout/source', 'browser', 'import'] },
    build: { write: false, lib: { entry, formats: ['iife'], name: 'page' } },
  })
  const [output] = built as Rolldown.RolldownOutput[]
  return output!.output[0].code
}
