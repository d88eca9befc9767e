import { memoryStore, type FlushoutOptions } from '@flushout/server'
import type { FastifyInstance } from 'fastify'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test as base, vi } from 'vitest'
import { createServer } from '../../../examples/todo/src/server/server.ts'
import { buildApp } from './build-app.ts'
import { eventually } from './eventually.ts'
import { LivePage, takeNotes } from './live-page.ts'
import { Middleman } from './middleman.ts'
import type { TodoList } from './world.ts'

interface OpenOptions extends BrowserContextOptions {
  /** Where the app is, if not at the server itself. */
  readonly at?: string
  /** What to open; the list of this test, unless something else is named. */
  readonly path?: string
  /** How much may be stored there. */
  readonly storageBytes?: number
}

type Store = FlushoutOptions['store']

interface Saved {
  readonly texts: readonly string[]
  readonly commandCount: number
}

/** What a browser says of a server that goes away. */
const OUTAGE = [
  'the server responded with a status of 503 (Service Unavailable)',
  'net::ERR_CONNECTION_REFUSED',
  'net::ERR_CONNECTION_RESET',
  'net::ERR_EMPTY_RESPONSE',
  'net::ERR_INCOMPLETE_CHUNKED_ENCODING',
].map((reason) => `Failed to load resource: ${reason}`)

/** A server with the app and a list of its own, in as many browsers as a story needs. */
export interface LiveWorld {
  /** The one that answers, or did until it was unplugged. */
  readonly server: FastifyInstance
  /** Where the built app is that it serves. */
  readonly app: string
  /** The name of the list. */
  readonly list: string
  /** Open the list in a browser of its own, whose clock the test can put forward. */
  open(options?: OpenOptions): Promise<LivePage>
  /** What the server has of the list: its texts in order, and how many commands made them. */
  saved(): Promise<Saved>
  /** Let nobody answer at the address of the server. */
  unplug(): Promise<void>
  /** Let the server answer again, with what it had stored. */
  plugIn(): Promise<void>
  /** Stand between the server and those who open the list there. */
  middleman(): Promise<Middleman>
  /** The browser may complain in these words, and in no others. */
  mayComplain(text: string): void
}

/**
 * A `test` that gets a world, whose server `serve` makes of the folder with the
 * built app, and maybe with the script at `entry`. When the test is over, nobody
 * may be connected any more.
 */
export function liveTest(
  serve = (app: string, store: Store) => createServer(store, app),
  entry?: string,
) {
  const folder = mkdtempSync(join(tmpdir(), 'flushout-live-'))
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.connect(inject('browserUrl'))
    // As for users, not as for tests.
    vi.stubEnv('NODE_ENV', 'production')
    await buildApp(folder)
    if (entry) await buildApp(folder, { input: entry })
    vi.unstubAllEnvs()
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  return base.extend<{ live: LiveWorld }>({
    live: async ({ task }, use) => {
      const list = `live${task.id}`
      const complaints: string[] = []
      const expected: string[] = []
      const store = memoryStore()
      let server = serve(folder, store)
      await using _ = { [Symbol.asyncDispose]: () => server.close() }
      const address = await server.listen({ port: 0, host: '127.0.0.1' })
      await using open = new AsyncDisposableStack()

      await use({
        get server() {
          return server
        },
        app: folder,
        list,
        async open({ at = address, path = `/lists/${list}`, storageBytes, ...options } = {}) {
          const context = await browser.newContext({ locale: 'en-GB', ...options })
          open.defer(() => context.close())
          context.on('weberror', (error) => complaints.push(String(error.error())))
          context.on('console', (message) => {
            if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
          })
          const page = await context.newPage()
          await page.clock.install()
          const opened = new LivePage(context, page)
          if (storageBytes !== undefined) await opened.limitStorage(at, storageBytes)
          await page.goto(at + path)
          await page.evaluate(takeNotes)
          return opened
        },
        async saved() {
          const { document, commandCount } = await server.flushout.snapshot(`todos:${list}`)
          const { todos } = document as unknown as TodoList
          const texts = Object.values(todos).map(({ text, done }) => `${done ? '✓ ' : ''}${text}`)
          return { texts, commandCount }
        },
        async unplug() {
          expected.push(...OUTAGE)
          await server.close()
        },
        async plugIn() {
          server = serve(folder, store)
          await server.listen({ port: Number(new URL(address).port), host: '127.0.0.1' })
        },
        async middleman() {
          return open.use(await Middleman.before(address))
        },
        mayComplain: (text) => void expected.push(text),
      })

      await open.disposeAsync()
      const { flushout } = server
      await eventually(() => flushout.usage, expect.objectContaining({ streams: 0, channels: 0 }))
      const unexpected = complaints.filter((text) => !expected.includes(text))
      expect(unexpected, 'what the browser complained about').toEqual([])
    },
  })
}
