import { isFlushoutError, type FlushoutError } from '@flushout/client'
import type { HistoryEntry, HistoryPage, HistoryQuery, Model } from '@flushout/client'

/** The history of a model as a page shows it. */
export interface HistoryView {
  /** The newest first. What is confirmed while the list is on screen is added at the top. */
  readonly entries: readonly HistoryEntry[]
  readonly isLoading: boolean
  /** Whether `loadMore` may bring older entries. */
  readonly hasMore: boolean
  /** Older history was there, and is not held any more. */
  readonly isTrimmed: boolean
  /** Why the server could not be asked; `loadMore` tries again. */
  readonly error: FlushoutError | undefined
  /** Read what is older, or what could not be read. */
  readonly loadMore: () => void
}

/** What is new is read at most once in so long: a model may change many times a second. */
const PAUSE_MS = 1_000
/** How many pages without anything are read at once: by path there may be long stretches. */
const MAX_EMPTY = 5

/** Reads a history page by page, and what is added to it. For `useSyncExternalStore`. */
export class HistoryList<Doc extends object> {
  readonly #model: Model<Doc>
  readonly #query: HistoryQuery
  readonly #listeners = new Set<() => void>()
  #stop = () => {}
  // Undefined before the first page.
  #before: number | undefined
  #count = -1
  #readAt = -Infinity
  #clearPause: (() => void) | undefined
  #isReading = false
  #view: HistoryView

  constructor(model: Model<Doc>, query: HistoryQuery) {
    this.#model = model
    this.#query = query
    this.#view = {
      entries: [],
      isLoading: true,
      hasMore: true,
      isTrimmed: false,
      error: undefined,
      loadMore: () => void this.#read(() => this.#readOlder()),
    }
  }

  getView = (): HistoryView => this.#view

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) {
      this.#stop = this.#model.subscribeStatus(this.#follow)
      this.#follow()
    }
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#stop()
      this.#clearPause?.()
      this.#clearPause = undefined
    }
  }

  /** Read what is new whenever the server has more than before. */
  #follow = (): void => {
    const { commandCount, queued, inFlight } = this.#model.status
    const count = commandCount - queued - inFlight
    if (!this.#model.isLoaded || this.#isReading || count === this.#count) return
    if (this.#clearPause) return
    const { now, setTimer } = this.#model.environment
    const pauseMs = Math.min(this.#readAt + PAUSE_MS - now(), PAUSE_MS)
    if (pauseMs > 0) {
      this.#clearPause = setTimer(() => {
        this.#clearPause = undefined
        this.#follow()
      }, pauseMs)
      return
    }
    this.#readAt = now()
    this.#count = count
    void this.#read(() => (this.#before === undefined ? this.#readOlder() : this.#readNewer()))
  }

  async #read(read: () => Promise<void>): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    this.#show({ isLoading: true, error: undefined })
    try {
      await read()
      this.#show({ isLoading: false })
    } catch (error) {
      if (!isFlushoutError(error)) throw error
      this.#show({ isLoading: false, error })
    } finally {
      this.#isReading = false
    }
    // It may have gone on meanwhile.
    if (this.#listeners.size > 0 && !this.#view.error) this.#follow()
  }

  async #readOlder(): Promise<void> {
    for (let pages = 0; pages < MAX_EMPTY && this.#view.hasMore; pages += 1) {
      const page = await this.#model.history({ ...this.#query, before: this.#before })
      this.#append(page, this.#view.entries)
      if (page.entries.length > 0) return
    }
  }

  async #readNewer(): Promise<void> {
    const page = await this.#model.history(this.#query)
    const top = this.#view.entries[0]?.to ?? 0
    const added = page.entries.filter(({ to }) => to > top)
    const isBehind = (page.entries[0]?.to ?? top) < top
    // All of it is new, so there may be more between: or it is another history.
    if (
      isBehind ||
      (page.before !== undefined &&
        added.length === page.entries.length &&
        top > 0 &&
        added.length > 0)
    ) {
      this.#append(page, [])
    } else this.#show({ entries: [...added, ...this.#view.entries] })
  }

  #append({ entries, before, isTrimmed }: HistoryPage, known: readonly HistoryEntry[]): void {
    // 0 is asked for by nobody, as nothing is older.
    this.#before = before ?? 0
    this.#show({
      entries: [...known, ...entries],
      hasMore: before !== undefined,
      isTrimmed: isTrimmed === true,
    })
  }

  #show(change: Partial<HistoryView>): void {
    this.#view = { ...this.#view, ...change }
    for (const listener of this.#listeners) listener()
  }
}
