import type { TabEnvironment } from '../../packages/client/src/tabs/tab-environment.ts'
import type { Dice } from './dice.ts'
import type { Stage } from './stage.ts'

/** A page, as far as its browser knows it. */
interface Framed {
  readonly isOver: boolean
  /** Run something as soon as the page does anything; never after its end. */
  run(callback: () => void): void
}

interface Request {
  readonly name: string
  readonly page: Framed
  readonly onHeld: () => void
}

interface End {
  readonly name: string
  readonly page: Framed
  readonly hear: (message: unknown) => void
  /** When the last message comes that was said so far. */
  arrivesAt: number
}

/** Locks and lines of one browser. All that goes from tab to tab takes time. */
export class Browser {
  readonly #stage: Stage
  readonly #dice: Dice
  readonly #locks = new Map<string, Request[]>()
  readonly #lines = new Map<string, Set<End>>()

  constructor(stage: Stage) {
    this.#stage = stage
    this.#dice = stage.dice.fork()
  }

  /** The page that holds a lock whose name begins so, if any does. */
  holderOf(prefix: string): Framed | undefined {
    for (const [name, [first]] of this.#locks) {
      if (first && name.startsWith(prefix)) return first.page
    }
    return undefined
  }

  isHeld(name: string): boolean {
    return (this.#locks.get(name)?.length ?? 0) > 0
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
      end.arrivesAt = Math.max(end.arrivesAt, this.#stage.scheduler.now + this.#dice.roll() * 2)
      this.#stage.scheduler.at(end.arrivesAt, () =>
        end.page.run(() => {
          if (this.#lines.get(end.name)?.has(end)) end.hear(copy)
        }),
      )
    }
  }

  /** Let a page hear something soon. */
  soon(page: Framed, callback: () => void): void {
    this.#stage.scheduler.after(this.#dice.roll() * 2, () => page.run(callback))
  }

  /** The system finds out that a page has ended. */
  later(callback: () => void): void {
    this.#stage.scheduler.after(this.#dice.roll() * 5, callback)
  }

  #grant(request: Request): void {
    this.soon(request.page, () => {
      if (this.#locks.get(request.name)?.[0] === request) request.onHeld()
    })
  }
}

/** What a page finds the others of its browser by. */
export class Tab implements TabEnvironment {
  readonly #browser: Browser
  readonly #page: Framed
  readonly #requests = new Set<Request>()
  readonly #ends = new Set<End>()

  constructor(browser: Browser, page: Framed) {
    this.#browser = browser
    this.#page = page
  }

  hold = (name: string, onHeld: () => void): (() => void) => {
    const request: Request = { name, page: this.#page, onHeld }
    if (this.#page.isOver) return () => {}
    this.#requests.add(request)
    this.#browser.request(request)
    return () => {
      this.#requests.delete(request)
      this.#browser.release(request)
    }
  }

  isHeld = (name: string): Promise<boolean> =>
    new Promise((resolve) => {
      this.#browser.soon(this.#page, () => resolve(this.#browser.isHeld(name)))
    })

  /** Each page is the first of its tab. */
  remember = (): undefined => undefined

  join = (name: string, hear: (message: unknown) => void) => {
    const end: End = { name, page: this.#page, hear, arrivesAt: 0 }
    this.#ends.add(end)
    this.#browser.join(end)
    return {
      say: (message: unknown) => {
        if (this.#ends.has(end)) this.#browser.say(end, message)
      },
      leave: () => {
        this.#ends.delete(end)
        this.#browser.leave(end)
      },
    }
  }

  /** The page is gone. Whoever waits for its locks gets them. */
  end(): void {
    for (const end of this.#ends) this.#browser.leave(end)
    this.#ends.clear()
    const left = [...this.#requests]
    this.#requests.clear()
    this.#browser.later(() => {
      for (const request of left) this.#browser.release(request)
    })
  }
}
