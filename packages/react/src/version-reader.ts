import { isFlushoutError, type FlushoutError } from '@flushout/client'
import type { Model } from '@flushout/client'

/** A document as it once was, as far as it is known. */
export interface VersionView<Doc> {
  /** That of `count`; while another is read, the one before. */
  readonly document: Doc | undefined
  /** Which version `document` is. */
  readonly count: number | undefined
  readonly isLoading: boolean
  /** Why it could not be read, as VERSION_NOT_FOUND. */
  readonly error: FlushoutError | undefined
}

const NOTHING = Object.freeze({
  document: undefined,
  count: undefined,
  isLoading: false,
  error: undefined,
})

/** Reads one version after the other. For `useSyncExternalStore`. */
export class VersionReader<Doc extends object> {
  readonly #model: Model<Doc>
  readonly #listeners = new Set<() => void>()
  #wanted: number | undefined
  #isReading = false
  #view: VersionView<Doc> = NOTHING

  constructor(model: Model<Doc>) {
    this.#model = model
  }

  getView = (): VersionView<Doc> => this.#view

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Read the document at `count`. One is read at a time, and of those that were asked for
   * meanwhile only the last: somebody may be drawing a slider.
   */
  want(count: number | undefined): void {
    this.#wanted = count
    if (count === undefined) this.#show(NOTHING)
    else if (!this.#isReading) void this.#read(count)
  }

  async #read(count: number): Promise<void> {
    this.#isReading = true
    this.#show({ ...this.#view, isLoading: true, error: undefined })
    const view = await this.#load(count)
    this.#isReading = false
    if (this.#wanted === undefined) return
    if (this.#wanted !== count) return this.#read(this.#wanted)
    this.#show({ ...view, isLoading: false })
  }

  async #load(count: number): Promise<VersionView<Doc>> {
    try {
      const { document } = await this.#model.snapshotAt(count)
      return { document, count, isLoading: false, error: undefined }
    } catch (error) {
      if (isFlushoutError(error)) return { ...this.#view, error }
      throw error
    }
  }

  #show(view: VersionView<Doc>): void {
    this.#view = view
    for (const listener of this.#listeners) listener()
  }
}
