import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import { findChromium } from '../../../test/support/chromium.ts'
import type { Context } from '../harness/section.ts'

// Nobody listens there: pages come out of a route, as out of a service worker.
const ORIGIN = 'http://localhost:9'
const HTML =
  '<!doctype html><title>bench</title><div id="root"></div><script src="/page.js"></script>'
// Without these a page's clock ticks ten times a millisecond only.
const PRECISE = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** A Chromium with a profile on disk, and no server anywhere. */
export class Browser implements AsyncDisposable {
  readonly #context: BrowserContext
  readonly #folder: string
  readonly #profileFolder: string | undefined

  private constructor(context: BrowserContext, folder: string, profileFolder: string | undefined) {
    this.#context = context
    this.#folder = folder
    this.#profileFolder = profileFolder
  }

  /** Start one whose pages run `entry`, a file of this folder; it ends with `signal`. */
  static async open(entry: string, { signal, profileFolder }: Context): Promise<Browser> {
    const script = await bundle(entry, { isMinified: profileFolder === undefined })
    // What a private window stores is in memory.
    const folder = await mkdtemp(join(tmpdir(), 'flushout-bench-'))
    const context = await chromium.launchPersistentContext(folder, await findChromium())
    signal.addEventListener('abort', () => void context.close())
    await context.route('**/*', (route) => {
      const { pathname } = new URL(route.request().url())
      if (pathname === '/') {
        return route.fulfill({ contentType: 'text/html', headers: PRECISE, body: HTML })
      }
      if (pathname === '/page.js') {
        return route.fulfill({ contentType: 'text/javascript', body: script })
      }
      return route.abort('connectionrefused')
    })
    return new Browser(context, folder, profileFolder)
  }

  /** A new page, with its script run. */
  async openPage(): Promise<Page> {
    const page = await this.#context.newPage()
    await page.goto(ORIGIN)
    return page
  }

  /** Do something in `page`; where profiles are wanted, one of it is written. */
  async profile<T>(page: Page, name: string, act: () => Promise<T>): Promise<T> {
    if (this.#profileFolder === undefined) return act()
    const session = await this.#context.newCDPSession(page)
    await session.send('Profiler.enable')
    await session.send('Profiler.setSamplingInterval', { interval: 100 })
    await session.send('Profiler.start')
    const done = await act()
    const { profile } = await session.send('Profiler.stop')
    await session.detach()
    await writeFile(join(this.#profileFolder, `${name}.cpuprofile`), JSON.stringify(profile))
    return done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function bundle(entry: string, { isMinified }: { isMinified: boolean }): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: { conditions: ['@flushout/source', 'browser', 'import', 'production'] },
    build: {
      write: false,
      // Profiles are read by people.
      minify: isMinified,
      lib: {
        entry: fileURLToPath(new URL(entry, import.meta.url)),
        formats: ['iife'],
        name: 'page',
      },
    },
  })
  const [output] = built as Rolldown.RolldownOutput[]
  return output!.output[0].code
}
