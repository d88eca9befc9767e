import {
  isFlushoutError,
  type FlushoutError,
  type HistoryEntry,
  type Model,
} from '@flushout/client'
import type { JsonObject } from '@flushout/core'

/** What a version is held against. */
export type Base = 'before' | 'now'

/** A version of a document, and what it is held against, as far as they are known. */
export interface VersionPairView {
  /** Which version `document` is; undefined before the first is there. */
  readonly count: number | undefined
  readonly base: Base
  readonly document: JsonObject | undefined
  /** The version before it; undefined for the first, and where it is held against now. */
  readonly before: JsonObject | undefined
  /** Who made it; undefined for the first. */
  readonly entry: HistoryEntry | undefined
  readonly isLoading: boolean
  readonly error: FlushoutError | undefined
}

/** So many versions are kept to step back and forth. */
const MAX_KEPT = 50

/** Reads versions of a model with what they are held against. For `useSyncExternalStore`. */
export class VersionPair {
  readonly #model: Model
  readonly #listeners = new Set<() => void>()
  readonly #kept = new Map<number, Promise<JsonObject>>()
  #historyChanges: number
  #wanted: { readonly count: number; readonly base: Base } | undefined
  #isReading = false
  #view: VersionPairView = {
    count: undefined,
    base: 'before',
    document: undefined,
    before: undefined,
    entry: undefined,
    isLoading: false,
    error: undefined,
  }

  constructor(model: Model) {
    this.#model = model
    this.#historyChanges = model.status.historyChanges
  }

  getView = (): VersionPairView => this.#view

  subscribe = (listener: () => void): (() => void) => {
    const own = () => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** Read this version next. Of those that are wanted while one is read, only the last is. */
  want(count: number, base: Base): void {
    this.#wanted = { count, base }
    if (!this.#isReading) void this.#readAll()
  }

  async #readAll(): Promise<void> {
    this.#isReading = true
    for (let wanted = this.#wanted; wanted; wanted = this.#wanted) {
      this.#wanted = undefined
      this.#show({ isLoading: true })
      this.#show(await this.#read(wanted))
    }
    this.#isReading = false
    this.#show({ isLoading: false })
  }

  async #read({ count, base }: { count: number; base: Base }): Promise<Partial<VersionPairView>> {
    const isWithBefore = base === 'before' && count > 0
    try {
      const [document, before, entry] = await Promise.all([
        this.#version(count),
        isWithBefore ? this.#version(count - 1) : undefined,
        this.#entryOf(count),
      ])
      return { count, base, document, before, entry, error: undefined }
    } catch (error) {
      if (isFlushoutError(error)) return { error }
      throw error
    }
  }

  async #entryOf(count: number): Promise<HistoryEntry | undefined> {
    if (count === 0) return undefined
    const { entries } = await this.#model.history({ before: count, limit: 1 })
    return entries[0]
  }

  #version(count: number): Promise<JsonObject> {
    const { historyChanges } = this.#model.status
    // What was read is of another past.
    if (historyChanges !== this.#historyChanges) this.#kept.clear()
    this.#historyChanges = historyChanges
    const kept = this.#kept.get(count)
    if (kept) return kept
    const read = this.#model.snapshotAt(count).then(({ document }) => document)
    this.#kept.set(count, read)
    read.catch(() => this.#kept.delete(count))
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(oldest!)
    return read
  }

  #show(change: Partial<VersionPairView>): void {
    this.#view = { ...this.#view, ...change }
    for (const listener of this.#listeners) listener()
  }
}
