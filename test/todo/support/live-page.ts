import type { BrowserContext, CDPSession, Page, Request } from 'playwright-core'
import { eventually } from './eventually.ts'
import { Panel } from './panel.ts'

type Name = 'A' | 'B'

/** What a request is for. `question`: a flush of nothing, to hear of news. */
type Purpose = 'load' | 'flush' | 'question' | 'stream' | 'poll' | 'presence'

/** What the page notes of itself, see `takeNotes`. */
interface Notes {
  readonly states: Record<Name, string[]>
  readonly shown: Record<Name, string[][]>
}

/** A tab with the app, and what went on in it and on its line to the server. */
export class LivePage {
  readonly page: Page
  readonly context: BrowserContext
  readonly a: Panel
  readonly b: Panel
  #session: CDPSession | undefined
  #asked: Purpose[] = []
  readonly #streams = new Set<Request>()
  readonly #polling = new Set<string>()
  readonly #polled = new Set<string>()

  constructor(context: BrowserContext, page: Page) {
    this.context = context
    this.page = page
    this.a = new Panel(page, 'A')
    this.b = new Panel(page, 'B')
    page.on('request', (request) => {
      const purpose = purposeOf(request)
      if (purpose) this.#asked.push(purpose)
      if (purpose === 'stream') this.#streams.add(request)
      if (purpose === 'poll') this.#polling.add(clientOf(request))
    })
    page.on('requestfinished', (request) => {
      this.#streams.delete(request)
      if (purposeOf(request) === 'poll') this.#polled.add(clientOf(request))
    })
    page.on('requestfailed', (request) => this.#streams.delete(request))
  }

  /** Open the same in another tab of this browser. */
  async another(): Promise<LivePage> {
    const page = await this.context.newPage()
    const tab = new LivePage(this.context, page)
    await page.goto(this.page.url())
    await tab.a.newTodo.waitFor()
    return tab
  }

  /** Wait until the newest build that the page knows of is kept on the device, and in charge. */
  async isKept(): Promise<void> {
    const look = async () => {
      const known = await navigator.serviceWorker.getRegistration()
      return [known?.installing, known?.waiting, known?.active?.state]
    }
    await eventually(() => this.page.evaluate(look), [null, null, 'activated'])
  }

  /** Let the browser store this much for the site; as it likes if nothing is given. */
  async limitStorage(site: string, bytes?: number): Promise<void> {
    // It is so for as long as the session lasts.
    this.#session ??= await this.context.newCDPSession(this.page)
    const quota = bytes === undefined ? {} : { quotaSize: bytes }
    const { origin } = new URL(site)
    await this.#session.send('Storage.overrideQuotaForOrigin', { origin, ...quota })
  }

  /** How many streams are open. */
  get streams(): number {
    return this.#streams.size
  }

  /** How many clients of the page have begun to poll. */
  get polling(): number {
    return this.#polling.size
  }

  /** How many clients of the page have had an answer to a poll. */
  get polled(): number {
    return this.#polled.size
  }

  /** What was asked for since `forgetAsked`, in order. */
  get asked(): readonly Purpose[] {
    return this.#asked
  }

  forgetAsked(): void {
    this.#asked = []
  }

  /** Wait until the status line of both clients says this. */
  async is(state: string): Promise<void> {
    for (const name of ['A', 'B'] as const) await eventually(() => this.state(name), state)
  }

  /** What the status line of a client says. */
  state(name: Name): Promise<string | null> {
    const { root } = name === 'A' ? this.a : this.b
    return root.locator('.connection').getAttribute('data-state')
  }

  /** Put the clock forward, and hear of everything that the page asked for meanwhile. */
  async passes(ms: number): Promise<void> {
    await this.page.clock.runFor(ms)
    // Requests are heard of in their order.
    await this.page.evaluate(async () => void (await fetch(location.href)))
  }

  /** Put the clock forward, again and again, until the status line of both clients says this. */
  async waitsUntil(state: string): Promise<void> {
    const look = async () => {
      await this.page.clock.runFor(1_000)
      return Promise.all([this.state('A'), this.state('B')])
    }
    await eventually(look, [state, state])
  }

  /** Wait until both clients have the one stream that they will keep. */
  async isSettled(): Promise<void> {
    await this.is('live')
    // The first is replaced by one that also tells who is here.
    for (const panel of [this.a, this.b]) await panel.root.locator('.chip').first().waitFor()
    await eventually(() => this.streams, 2)
  }

  /** Begin the notes anew, with how things stand. */
  async forgetNotes(): Promise<void> {
    await this.page.evaluate(takeNotes)
  }

  /** All that the status line of a client said, one after the other. */
  async states(name: Name): Promise<readonly string[]> {
    return (await this.#notes()).states[name]
  }

  /** The texts of the list as it was shown by and by. */
  async shown(name: Name): Promise<readonly (readonly string[])[]> {
    return (await this.#notes()).shown[name]
  }

  #notes(): Promise<Notes> {
    return this.page.evaluate(() => (globalThis as unknown as { notes: Notes }).notes)
  }
}

/** Runs in the page: note whatever shows from now on, be it for a moment only. */
export function takeNotes(): void {
  const notes: Notes = { states: { A: [], B: [] }, shown: { A: [], B: [] } }
  Object.assign(globalThis, { notes })
  const look = (name: Name) => {
    const panel = document.querySelector(`[data-client="${name}"]`)
    const state = panel?.querySelector<HTMLElement>('.connection')?.dataset['state']
    if (state && state !== notes.states[name].at(-1)) notes.states[name].push(state)
    const rows = [...(panel?.querySelectorAll('.row') ?? [])]
    const texts = rows.map((row) => row.querySelector('.text')?.textContent ?? '')
    if (texts.join('\n') !== notes.shown[name].at(-1)?.join('\n')) notes.shown[name].push(texts)
  }
  const lookAtBoth = () => {
    look('A')
    look('B')
  }
  lookAtBoth()
  const all = { subtree: true, childList: true, attributes: true, characterData: true }
  new MutationObserver(lookAtBoth).observe(document, all)
}

function clientOf(request: Request): string {
  const { presence } = request.postDataJSON() as { presence?: { token: string } }
  return presence?.token ?? ''
}

function purposeOf(request: Request): Purpose | undefined {
  const { pathname } = new URL(request.url())
  if (!pathname.startsWith('/flushout/')) return undefined
  if (pathname.endsWith('/presence')) return 'presence'
  if (pathname.endsWith('/flush')) {
    const { commands } = request.postDataJSON() as { commands: unknown[] }
    return commands.length > 0 ? 'flush' : 'question'
  }
  if (!pathname.endsWith('/live')) return 'load'
  return request.headers()['accept'] === 'text/event-stream' ? 'stream' : 'poll'
}
