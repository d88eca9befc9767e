import type { TabEnvironment } from '../../src/tabs/tab-environment.ts'

/** The locks and lines of a browser in memory, whose tabs end and freeze to order. */
export class TestBrowser {
  readonly #locks = new Map<string, Request[]>()
  readonly #lines = new Map<string, Set<End>>()

  open(): TestTab {
    return new TestTab(this)
  }

  /** A tab that remembers what `tab` does: the next page in it, or a duplicate if that lives. */
  openAfter(tab: TestTab): TestTab {
    return new TestTab(this, tab.memory)
  }

  /** Who holds the lock, if anybody. */
  holderOf(name: string): TestTab | undefined {
    return this.#locks.get(name)?.[0]?.tab
  }

  request(request: Request): void {
    const queue = this.#locks.get(request.name) ?? []
    this.#locks.set(request.name, queue)
    queue.push(request)
    if (queue.length === 1) this.#grant(request)
  }

  release(request: Request): void {
    const queue = this.#locks.get(request.name) ?? []
    const at = queue.indexOf(request)
    if (at === -1) return
    queue.splice(at, 1)
    if (at === 0 && queue[0]) this.#grant(queue[0])
  }

  #grant(request: Request): void {
    request.tab.happen(() => {
      if (this.#locks.get(request.name)?.[0] === request) request.onHeld()
    })
  }

  join(end: End): void {
    const ends = this.#lines.get(end.name) ?? new Set()
    this.#lines.set(end.name, ends.add(end))
  }

  leave(end: End): void {
    this.#lines.get(end.name)?.delete(end)
  }

  say(from: End, message: unknown): void {
    for (const end of this.#lines.get(from.name) ?? []) {
      if (end === from) continue
      const copy = structuredClone(message)
      if (end.tab.isDeaf) continue
      end.tab.happen(() => {
        if (this.#lines.get(end.name)?.has(end)) end.hear(copy)
      })
    }
  }
}

interface Request {
  readonly name: string
  readonly tab: TestTab
  readonly onHeld: () => void
}

interface End {
  readonly name: string
  readonly tab: TestTab
  readonly hear: (message: unknown) => void
}

/** One tab: what a page in it finds the others by. */
export class TestTab implements TabEnvironment {
  readonly #browser: TestBrowser
  readonly #requests = new Set<Request>()
  readonly #ends = new Set<End>()
  #isDead = false
  #isDeaf = false
  // What happens when it thaws.
  #frozen: (() => void)[] | undefined
  readonly memory: Map<string, string>

  constructor(browser: TestBrowser, memory?: ReadonlyMap<string, string>) {
    this.#browser = browser
    this.memory = new Map(memory)
  }

  get isDead(): boolean {
    return this.#isDead
  }

  hold = (name: string, onHeld: () => void): (() => void) => {
    const request: Request = { name, tab: this, onHeld }
    const release = () => {
      this.#requests.delete(request)
      this.#browser.release(request)
    }
    if (this.#isDead) return release
    this.#requests.add(request)
    this.#browser.request(request)
    return release
  }

  isHeld = async (name: string): Promise<boolean> => this.#browser.holderOf(name) !== undefined

  remember = (name: string, value: string): string | undefined => {
    const last = this.memory.get(name)
    this.memory.set(name, value)
    return last
  }

  join = (name: string, hear: (message: unknown) => void) => {
    const end: End = { name, tab: this, hear }
    this.#ends.add(end)
    this.#browser.join(end)
    return {
      say: (message: unknown) => {
        const send = () => this.#ends.has(end) && this.#browser.say(end, message)
        if (this.#frozen) this.#frozen.push(send)
        else send()
      },
      leave: () => {
        this.#ends.delete(end)
        this.#browser.leave(end)
      },
    }
  }

  /** Let something come to it: now, when it thaws, or never. */
  happen(event: () => void): void {
    if (this.#isDead) return
    if (this.#frozen) this.#frozen.push(event)
    else queueMicrotask(() => (this.#frozen ? this.#frozen.push(event) : this.#isDead || event()))
  }

  /** Whether it never hears what is said now. */
  get isDeaf(): boolean {
    return this.#isDeaf
  }

  /** Nothing gets in or out, until `thaw`; if it is deaf, what is said meanwhile is lost. */
  freeze(isDeaf = false): void {
    this.#frozen ??= []
    this.#isDeaf = isDeaf
  }

  thaw(): void {
    const events = this.#frozen ?? []
    this.#frozen = undefined
    this.#isDeaf = false
    for (const event of events) event()
  }

  /** The page is gone, without another word. */
  kill(): void {
    this.#isDead = true
    for (const end of this.#ends) this.#browser.leave(end)
    this.#ends.clear()
    for (const request of this.#requests) this.#browser.release(request)
    this.#requests.clear()
  }
}
