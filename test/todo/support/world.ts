import { createClient, type Client, type Model } from '@flushout/client'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test as base } from 'vitest'
import { Panel } from './panel.ts'

/** The document of a list, as somebody without our code knows it. */
export interface TodoList {
  readonly todos: Readonly<Record<string, { text: string; done: boolean; createdAt?: number }>>
}

export interface OpenPage {
  readonly page: Page
  readonly a: Panel
  readonly b: Panel
}

/** Browsers on one list of the app; a new list for each test. */
export interface World {
  /** The address of the app. */
  readonly address: string
  /** Open the list in a browser of its own. */
  open(options?: BrowserContextOptions): Promise<OpenPage>
  /** The list without a browser, loaded. */
  client(): Promise<Model<TodoList>>
  /** In this test the browser may complain that the server cannot be reached. */
  expectOutage(): void
}

export type WorldTest = ReturnType<typeof worldTest>

/** A `test` that gets a world, in the app that `start` starts for the whole file. */
export function worldTest(start: () => Promise<string>) {
  let browser: Browser
  let address = ''
  beforeAll(async () => {
    ;[browser, address] = await Promise.all([chromium.connect(inject('browserUrl')), start()])
  })
  afterAll(() => browser?.close())

  return base.extend<{ world: World }>({
    world: async ({ task }, use) => {
      const list = `test${task.id}`
      const complaints: string[] = []
      let isOutageExpected = false
      await using open = new AsyncDisposableStack()

      await use({
        address,
        async open(options = {}) {
          const context = await browser.newContext({ locale: 'en-GB', ...options })
          open.defer(() => context.close())
          const page = await context.newPage()
          page.on('pageerror', (error) => complaints.push(error.stack ?? error.message))
          page.on('console', (message) => {
            if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
          })
          await page.goto(`${address}/lists/${list}`)
          const a = new Panel(page, 'A')
          const b = new Panel(page, 'B')
          await Promise.all([a.newTodo.waitFor(), b.newTodo.waitFor()])
          return { page, a, b }
        },
        async client() {
          const client: Client = createClient({ url: `${address}/flushout` })
          open.defer(() => client.close())
          const model = client.model<TodoList>(`todos:${list}`)
          await model.ready
          return model
        },
        expectOutage() {
          isOutageExpected = true
        },
      })

      const unexpected = complaints.filter(
        (text) => !(isOutageExpected && text.startsWith('Failed to load resource')),
      )
      expect(unexpected, 'what the browser complained about').toEqual([])
    },
  })
}
