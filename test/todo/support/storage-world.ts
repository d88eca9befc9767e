import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, inject, test as base } from 'vitest'

/** A browser of its own for each test, with pages that can store something. */
export interface StorageWorld {
  readonly context: BrowserContext
  readonly origin: string
  /** Open one more tab. `path` may be '/sandboxed', which may not store anything. */
  open(path?: string, before?: () => void): Promise<Page>
}

/** A `test` that gets a world, whose pages have `storagePage`. */
export function storageTest() {
  let browser: Browser
  let origin = ''
  let script = ''
  const server = createServer(({ url }, response) => {
    if (url === '/page.js') {
      return response.setHeader('content-type', 'text/javascript; charset=utf-8').end(script)
    }
    response.setHeader('content-type', 'text/html; charset=utf-8')
    if (url === '/sandboxed') {
      response.setHeader('content-security-policy', 'sandbox allow-scripts')
    }
    return response.end('<!doctype html><title>Storage</title><script src="/page.js"></script>')
  })

  beforeAll(async () => {
    ;[browser, script] = await Promise.all([chromium.connect(inject('browserUrl')), bundle()])
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    await browser?.close()
    server.closeAllConnections()
    server.close()
  })

  return base.extend<{ world: StorageWorld }>({
    // oxlint-disable-next-line no-empty-pattern -- the first argument has to be a pattern
    world: async ({}, use) => {
      const context = await browser.newContext()
      await using _ = { [Symbol.asyncDispose]: () => context.close() }
      await use({
        context,
        origin,
        async open(path = '/', before) {
          const page = await context.newPage()
          if (before) await page.addInitScript(before)
          await page.goto(origin + path)
          return page
        },
      })
    },
  })
}

async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@flushout/source', 'browser', 'import'] },
    build: {
      write: false,
      minify: false,
      lib: {
        entry: fileURLToPath(new URL('storage-page.ts', import.meta.url)),
        formats: ['iife'],
        name: 'page',
      },
    },
  })
  const [output] = built as Rolldown.RolldownOutput[]
  return output!.output[0].code
}
