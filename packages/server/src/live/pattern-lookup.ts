import { compileKeyPattern } from '@flushout/core'
import type { ListedModel, ModelStore } from '../store.ts'

const PAGE = 1000
/** More keys than this are not looked through for one pattern. */
const MAX_PAGES = 50

interface Search {
  readonly running: Promise<ListedModel[]>
  next: Promise<ListedModel[]> | undefined
}

/** Finds the models that fit a pattern, once for all who ask at about the same time. */
export class PatternLookup {
  readonly #store: Pick<ModelStore, 'list'>
  readonly #searches = new Map<string, Search>()

  constructor(store: Pick<ModelStore, 'list'>) {
    this.#store = store
  }

  /** All models that fit, as they are after this was called. */
  find(pattern: string): Promise<ListedModel[]> {
    const search = this.#searches.get(pattern)
    // One under way may have passed already by what the asker means.
    if (!search) return this.#start(pattern)
    const again = () => this.#start(pattern)
    search.next ??= search.running.then(again, again)
    return search.next
  }

  /** One model by its key; undefined if there is none. */
  async model(key: string): Promise<ListedModel | undefined> {
    const [first] = await this.#store.list({ prefix: key, after: '', limit: 1 })
    return first?.key === key ? first : undefined
  }

  #start(pattern: string): Promise<ListedModel[]> {
    const running = this.#search(pattern).finally(() => this.#searches.delete(pattern))
    this.#searches.set(pattern, { running, next: undefined })
    return running
  }

  async #search(pattern: string): Promise<ListedModel[]> {
    if (!pattern.split(':').includes('*')) {
      const model = await this.model(pattern)
      return model ? [model] : []
    }
    const fits = compileKeyPattern(pattern)
    const prefix = literalPrefix(pattern)
    const found: ListedModel[] = []
    let after = ''
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const models = await this.#store.list({ prefix, after, limit: PAGE })
      found.push(...models.filter(({ key }) => fits(key)))
      const last = models.at(-1)
      if (!last || models.length < PAGE) break
      after = last.key
    }
    return found
  }
}

/** What all keys that fit a pattern begin with. */
export function literalPrefix(pattern: string): string {
  const segments = pattern.split(':')
  const open = segments.indexOf('*')
  return open === -1
    ? pattern
    : segments
        .slice(0, open)
        .map((segment) => `${segment}:`)
        .join('')
}
