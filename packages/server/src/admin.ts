import {
  compileKeyPattern,
  copyJson,
  FlushoutError,
  isFlushoutError,
  isPath,
  type JsonObject,
  type ModelVersions,
  type Path,
  type User,
} from '@flushout/core'
import {
  checkModelConfig,
  checkNewModel,
  type ModelChange,
  type ModelEntry,
  type ModelPage,
  type ModelQuery,
  type NewModel,
} from './admin-messages.ts'
import type { Action, Administration } from './authorize.ts'
import { checkKey } from './check-message.ts'
import { createGenesisHash } from './digest.ts'
import type { Environment } from './environment.ts'
import type { Limits } from './limits.ts'
import { literalPrefix } from './live/pattern-lookup.ts'
import type { Log } from './log.ts'
import type { Erased, ListedModel, ModelStore } from './store.ts'

/**
 * What can be done with models as a whole. The application itself may do all of it;
 * `as` somebody, as far as `administer` and `authorize` allow. Every method rejects
 * with a `FlushoutError` only.
 */
export interface ModelAdmin<U extends User = User> {
  /** Do the same for somebody, as if they had sent a request; undefined where nobody is logged in. */
  as(user: U | undefined): ModelAdmin<U>
  /**
   * Make a model. If it is there already, it stays as it is and is described to
   * whoever may also read it.
   */
  create(
    key: string,
    model?: NewModel,
  ): Promise<{ readonly isNew: boolean; readonly model: ModelEntry }>
  /** Tell whether there is such a model. Makes none, unlike reading it. */
  exists(key: string): Promise<boolean>
  /** List the models that fit a pattern and that may be read. Nothing tells of others. */
  list(query: ModelQuery): Promise<ModelPage>
  /** Put another config in place of the one before. */
  configure(key: string, config: JsonObject): Promise<void>
  /**
   * Take a model away for good, with its history. A kind that has an `initial`
   * document gives whoever uses the key later a new model.
   */
  delete(key: string): Promise<void>
  /**
   * Erase the value at `path`, and all below it, for good: from the document, by an ordinary
   * delete that goes through the rules, and then from its history, versions and answers.
   * Its keys stay in the history, and so do who and when. Throws REJECTED if a rule
   * will not have the delete.
   */
  erase(key: string, path: Path): Promise<Erased>
}

export interface ModelAdminOptions<U extends User> {
  readonly store: ModelStore
  readonly environment: Environment
  readonly limits: Limits
  readonly log: Log
  /** Throws unless there are such models and the user may do so. */
  readonly admit: (
    key: string,
    action: Action | Administration,
    user: U | undefined,
  ) => Promise<void>
  /** Throws unless there are such models, and they are served now. */
  readonly checkOpen: (key: string) => void
  /** The document of a new model of this key. */
  readonly initialOf: (key: string) => JsonObject
  /** Its version, if its kind has more than one. */
  readonly versionsOf: (key: string) => ModelVersions | undefined
  /** Something happened that others want to hear of. */
  readonly onChange: (change: ModelChange) => void
  /** Erase what lies at `path`; undefined if there is no such model. */
  readonly erase: (key: string, path: Path, user: U | undefined) => Promise<Erased | undefined>
  /** The model that is in memory under this key is gone. */
  readonly forget: (key: string) => void
}

const MAX_CONFIG_LENGTH = 16 * 1024
const MAX_PAGE = 1000
const MAX_CREATES = 3
/** How many permissions are asked for at a time. */
const BATCH = 100

/** Make the administration of the models of a service. */
export function createModelAdmin<U extends User>(options: ModelAdminOptions<U>): ModelAdmin<U> {
  return new Admin(options)
}

class Admin<U extends User> implements ModelAdmin<U> {
  readonly #options: ModelAdminOptions<U>
  // Undefined for the application itself.
  readonly #asker: { readonly user: U | undefined } | undefined

  constructor(options: ModelAdminOptions<U>, asker?: { readonly user: U | undefined }) {
    this.#options = options
    this.#asker = asker
  }

  as(user: U | undefined): ModelAdmin<U> {
    return new Admin(this.#options, { user })
  }

  async create(key: string, model: NewModel = {}): Promise<{ isNew: boolean; model: ModelEntry }> {
    const { store, limits, environment, log, versionsOf, onChange } = this.#options
    checkKey(key, limits.keyLength)
    checkNewModel(model)
    await this.#admit(key, 'create')
    const config = model.config && copyConfig(model.config)
    for (let attempt = 1; attempt <= MAX_CREATES; attempt += 1) {
      const document = model.document
        ? copyObject('document', model.document, limits.documentBytes)
        : this.#initialOf(key)
      const hash = createGenesisHash(environment)
      const versions = versionsOf(key)
      const isNew = await this.#ask(() =>
        store.create(
          key,
          { commandCount: 0, hash, document, ...(versions && { schema: versions.version }) },
          config,
        ),
      )
      if (isNew) {
        log.info({ model: key }, 'model created')
        onChange({ key, change: 'create', ...(config && { config }) })
        return { isNew, model: { key, commandCount: 0, ...(config && { config }) } }
      }
      // To make a model is no permission to see one that others made.
      await this.#admit(key, 'read')
      const [found] = await this.#ask(() => store.list({ prefix: key, after: '', limit: 1 }))
      if (found?.key === key) return { isNew, model: toEntry(found) }
    }
    throw new FlushoutError('BUSY', 'The model is deleted as fast as it is made.', {
      retryAfterMs: 1000,
    })
  }

  async exists(key: string): Promise<boolean> {
    const { store, limits } = this.#options
    checkKey(key, limits.keyLength)
    await this.#admit(key, 'read')
    return (await this.#ask(() => store.heads([key]))).has(key)
  }

  async list({ pattern, after = '', limit = 100 }: ModelQuery): Promise<ModelPage> {
    const { keyLength } = this.#options.limits
    checkKey(pattern, keyLength)
    if (after !== '') checkKey(after, keyLength)
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_PAGE) {
      throw new FlushoutError('FLUSH_INVALID', `At "?limit": must be from 1 to ${MAX_PAGE}.`)
    }
    const models: ModelEntry[] = []
    for await (const found of this.#readable(pattern, after)) {
      // Only one more that may be seen tells of a next page: a key or an end that
      // depended on others would tell of those.
      if (models.length === limit) return { models, next: models.at(-1)!.key }
      models.push(toEntry(found))
    }
    return { models }
  }

  async configure(key: string, config: JsonObject): Promise<void> {
    const { store, limits, log, onChange } = this.#options
    checkKey(key, limits.keyLength)
    checkModelConfig({ config })
    await this.#admit(key, 'configure')
    const copy = copyConfig(config)
    if (!(await this.#ask(() => store.configure(key, copy)))) throw notFound()
    log.info({ model: key }, 'model configured')
    onChange({ key, change: 'configure', config: copy })
  }

  async delete(key: string): Promise<void> {
    const { store, limits, log, forget, onChange } = this.#options
    checkKey(key, limits.keyLength)
    await this.#admit(key, 'delete')
    if (!(await this.#ask(() => store.delete(key)))) throw notFound()
    log.info({ model: key }, 'model deleted')
    forget(key)
    onChange({ key, change: 'delete' })
  }

  async erase(key: string, path: Path): Promise<Erased> {
    const { store, limits, log, erase } = this.#options
    checkKey(key, limits.keyLength)
    if (!isPath(path) || path.length === 0) {
      throw new FlushoutError('FLUSH_INVALID', 'Say what to erase by the keys of its path.')
    }
    await this.#admit(key, 'erase')
    // To read it would make one.
    if (!(await this.#ask(() => store.heads([key]))).has(key)) throw notFound()
    const erased = await this.#ask(() => erase(key, path, this.#asker?.user))
    if (!erased) throw notFound()
    log.info({ model: key, path, ...erased }, 'value erased')
    return erased
  }

  #initialOf(key: string): JsonObject {
    const { initialOf, limits, log } = this.#options
    try {
      return copyObject('document', initialOf(key), limits.documentBytes)
    } catch (error) {
      log.error({ err: error, model: key }, 'there is no initial document')
      throw new FlushoutError('INTERNAL', 'The model cannot be made.', { cause: error })
    }
  }

  async *#readable(pattern: string, start: string): AsyncGenerator<ListedModel> {
    const fits = compileKeyPattern(pattern)
    const prefix = literalPrefix(pattern)
    // A key without wildcards comes before all others that begin with it.
    const limit = prefix === pattern ? 1 : MAX_PAGE
    for (let after = start; ;) {
      const page = await this.#ask(() => this.#options.store.list({ prefix, after, limit }))
      const fitting = page.filter(({ key }) => fits(key))
      for (let index = 0; index < fitting.length; index += BATCH) {
        const batch = fitting.slice(index, index + BATCH)
        const answers = await Promise.all(batch.map(({ key }) => this.#mayRead(key)))
        yield* batch.filter((_, place) => answers[place])
      }
      if (page.length < limit || limit === 1) return
      after = page.at(-1)!.key
    }
  }

  async #mayRead(key: string): Promise<boolean> {
    try {
      await this.#admit(key, 'read')
      return true
    } catch (error) {
      if (isFlushoutError(error) && REFUSALS.has(error.code)) return false
      throw error
    }
  }

  async #admit(key: string, action: Action | Administration): Promise<void> {
    const { admit, checkOpen } = this.#options
    if (this.#asker) await admit(key, action, this.#asker.user)
    else checkOpen(key)
  }

  async #ask<Result>(look: () => Promise<Result>): Promise<Result> {
    try {
      return await look()
    } catch (error) {
      if (isFlushoutError(error)) throw error
      this.#options.log.error({ err: error }, 'the store failed')
      const message = 'The store cannot be reached now.'
      throw new FlushoutError('UNAVAILABLE', message, { cause: error, retryAfterMs: 1000 })
    }
  }
}

const REFUSALS: ReadonlySet<string> = new Set(['FORBIDDEN', 'UNAUTHENTICATED', 'MODEL_NOT_FOUND'])

function toEntry({ key, head, config }: ListedModel): ModelEntry {
  return { key, commandCount: head.commandCount, ...(config && { config }) }
}

function copyConfig(config: JsonObject): JsonObject {
  return copyObject('config', config, MAX_CONFIG_LENGTH)
}

function copyObject(name: string, value: JsonObject, maxLength: number): JsonObject {
  const copy = copyJson(value)
  if (!copy.ok) {
    const { at, found } = copy.fault
    const place = [name, ...at].map((key) => `/${key.slice(0, 60)}`).join('')
    throw new FlushoutError('FLUSH_INVALID', `At "${place}": ${found} is not allowed.`)
  }
  if (copy.size <= maxLength) return copy.value as JsonObject
  const message = `The ${name} takes more than ${maxLength} characters of JSON.`
  throw new FlushoutError('FLUSH_TOO_LARGE', message)
}

function notFound(): FlushoutError {
  return new FlushoutError('MODEL_NOT_FOUND', 'There is no such model.')
}
