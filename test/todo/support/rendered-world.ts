import { createClient, directTransport } from '@flushout/client'
import type { JsonObject, User } from '@flushout/core'
import { flushout, memoryStore } from '@flushout/server'
import Fastify, { type FastifyRequest } from 'fastify'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { createElement } from 'react'
import { renderToPipeableStream } from 'react-dom/server'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, inject, test as base } from 'vitest'
import { RenderedApp } from './rendered-app.tsx'
import type { TodoList } from './world.ts'

/** What no text of a document may do to a page. */
export const VILE = '</script><script>document.title = "Broken"</script><!--<script>'

/** A server that renders pages, and browsers that open them. */
export interface RenderedWorld {
  readonly origin: string
  /** The page as text. */
  fetchPage(user: string): Promise<string>
  /** Open the page in a browser of its own, and do not wait for the end of it. */
  open(user: string): Promise<OpenedPage>
  /** Let the server have the slow list. */
  release(): void
  /** Put a text into the list of a user, as somebody else would. */
  add(user: string, text: string): Promise<void>
  /** What rendering left open on the server. */
  readonly rendering: number
}

export interface OpenedPage {
  readonly page: Page
  /** What it asked the server for, but for itself. */
  readonly asked: readonly string[]
  /** What the browser complained about. */
  readonly complaints: readonly string[]
}

/** A `test` that gets a world. */
export function renderedTest() {
  let browser: Browser
  let script = ''
  beforeAll(async () => {
    ;[browser, script] = await Promise.all([chromium.connect(inject('browserUrl')), bundle()])
  })
  afterAll(() => browser?.close())

  return base.extend<{ world: RenderedWorld }>({
    // oxlint-disable-next-line no-empty-pattern -- the first argument has to be a pattern
    world: async ({}, use) => {
      await using open = new AsyncDisposableStack()
      const server = await serve(script)
      open.defer(() => server.close())
      await use({
        ...server,
        get rendering() {
          return server.rendering
        },
        async open(user) {
          const context = await browser.newContext({ locale: 'en-GB' })
          open.defer(() => context.close())
          return openPage(context, server.origin, user)
        },
      })
    },
  })
}

async function openPage(
  context: BrowserContext,
  origin: string,
  user: string,
): Promise<OpenedPage> {
  await context.addCookies([{ name: 'user', value: user, url: origin }])
  const page = await context.newPage()
  const asked: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith('/flushout')) asked.push(`${request.method()} ${pathname}`)
  })
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  // The page goes on for as long as the server likes.
  await page.goto(origin, { waitUntil: 'commit' })
  return { page, asked, complaints }
}

async function serve(script: string) {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let rendering = 0
  const app = Fastify()
  await app.register(flushout, {
    store: memoryStore(),
    user: userOf,
    authorize: (user, _action, key) => key === 'slow:list' || key === `todos:${user?.id}`,
    models: [
      { pattern: 'todos:*', initial: (key) => listOf(key, VILE) },
      { pattern: 'slow:*', initial: () => listOf('slow', 'Late') },
    ],
  })
  app.get('/page.js', (_request, reply) => reply.type('text/javascript').send(script))
  app.get('/', (request, reply) => {
    const user = userOf(request)
    const nonce = 'n0nce'
    const client = createClient({
      transport: directTransport({
        async snapshot(key) {
          if (key === 'slow:list') await released
          return app.flushout.snapshot(key, user)
        },
        flush: (key, flush) => app.flushout.flush(key, flush, user),
      }),
    })
    rendering += 1
    reply.hijack()
    const { raw } = reply
    raw.on('close', () => {
      rendering -= 1
      client.close()
    })
    const page = createElement(RenderedApp, { client, user: user.id })
    const { pipe } = renderToPipeableStream(page, {
      bootstrapModules: ['/page.js'],
      nonce,
      onShellReady() {
        raw.setHeader('content-type', 'text/html; charset=utf-8')
        raw.setHeader('content-security-policy', `script-src 'nonce-${nonce}'`)
        pipe(raw)
      },
    })
  })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    origin,
    release,
    get rendering() {
      return rendering
    },
    async fetchPage(user: string) {
      const response = await fetch(origin, { headers: { cookie: `user=${user}` } })
      return response.text()
    },
    async add(user: string, text: string) {
      const client = createClient({
        url: `${origin}/flushout`,
        headers: () => ({ cookie: `user=${user}` }),
      })
      const model = client.model<TodoList>(`todos:${user}`)
      await model.ready
      model.create(['todos'], { text, done: false })
      await model.flush()
      client.close()
    },
    close: async () => {
      release()
      await app.close()
    },
  }
}

function userOf({ headers }: FastifyRequest): User {
  return { id: /user=(\w+)/.exec(headers.cookie ?? '')?.[1] ?? 'nobody' }
}

function listOf(key: string, text: string): JsonObject {
  return { todos: { first: { text: `${key} ${text}`, done: false } } }
}

async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"development"' },
    resolve: { conditions: ['@flushout/source', 'browser', 'import', 'development'] },
    build: {
      write: false,
      minify: false,
      lib: {
        entry: fileURLToPath(new URL('rendered-page.tsx', import.meta.url)),
        formats: ['es'],
      },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  })
  const [output] = built as Rolldown.RolldownOutput[]
  return output!.output[0].code
}
