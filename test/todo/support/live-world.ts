import { memoryStore } from '@flushout/server'
import type { FastifyInstance } from 'fastify'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContextOptions } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, inject, test as base, vi } from 'vitest'
import { createServer } from '../../../examples/todo/src/server/server.ts'
import { eventually } from './eventually.ts'
import { LivePage, takeNotes } from './live-page.ts'
import { Middleman } from './middleman.ts'

interface OpenOptions extends BrowserContextOptions {
  /** Where the app is, if not at the server itself. */
  readonly at?: string
  /** What to open; the list of this test, unless something else is named. */
  readonly path?: string
}

/** A server with the app and a list of its own, in as many browsers as a story needs. */
export interface LiveWorld {
  readonly server: FastifyInstance
  /** The name of the list. */
  readonly list: string
  /** Open the list in a browser of its own, whose clock the test can put forward. */
  open(options?: OpenOptions): Promise<LivePage>
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
  serve = (app: string) => createServer(memoryStore(), app),
  entry?: string,
) {
  const folder = mkdtempSync(join(tmpdir(), 'flushout-live-'))
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.connect(inject('browserUrl'))
    // As for users, not as for tests.
    vi.stubEnv('NODE_ENV', 'production')
    await buildApp(folder)
    if (entry) await buildApp(folder, entry)
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
      const server = serve(folder)
      await using _ = { [Symbol.asyncDispose]: () => server.close() }
      const address = await server.listen({ port: 0, host: '127.0.0.1' })
      await using open = new AsyncDisposableStack()

      await use({
        server,
        list,
        async open({ at = address, path = `/lists/${list}`, ...options } = {}) {
          const context = await browser.newContext({ locale: 'en-GB', ...options })
          open.defer(() => context.close())
          context.on('weberror', (error) => complaints.push(String(error.error())))
          context.on('console', (message) => {
            if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
          })
          const page = await context.newPage()
          await page.clock.install()
          const opened = new LivePage(context, page)
          await page.goto(at + path)
          await page.evaluate(takeNotes)
          return opened
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

/** Build the app, or the script at `input`, as the app's configuration says. */
async function buildApp(outDir: string, input?: string): Promise<void> {
  const configFile = fileURLToPath(
    new URL('../../../examples/todo/vite.config.ts', import.meta.url),
  )
  const output = { entryFileNames: '[name].js' }
  await build({
    configFile,
    configLoader: 'native',
    logLevel: 'error',
    build: { outDir, emptyOutDir: false, ...(input && { rolldownOptions: { input, output } }) },
  })
}
