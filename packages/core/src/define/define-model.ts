import { FlushoutError } from '../errors.ts'
import type { Interceptor } from '../interceptor.ts'
import type { JsonObject } from '../json.ts'
import type { NamedCommands } from '../named.ts'
import { describePath } from '../path.ts'
import type { Resolver } from '../resolve.ts'
import type { ModelVersions } from '../versions.ts'
import { compileNamedPattern, type NamesOf } from './key-names.ts'
import { localModels, type LocalModels } from './local-models.ts'
import { interceptBy, type ModelRules } from './model-rules.ts'
import { refusalBy, type FindRefusal } from './permission.ts'
import { completeVersions, type VersionsDescription } from './model-versions.ts'
import { checkDocument, isUsable, withSchema } from './schema-rule.ts'
import type { InputOf, StandardSchema } from './standard-schema.ts'
import type { Stored } from './stored.ts'

/** What the compiler knows of a kind of models. */
export interface ModelTypes {
  readonly pattern: string
  readonly document: object
  /** What each named command is run with. */
  readonly runs?: object
}

/** What is said of a kind of models, besides its schema. */
export interface ModelDescription<
  Pattern extends string,
  Doc extends object,
> extends VersionsDescription {
  /**
   * Which models these are: segments with `:` between them, `$name` for one that differs,
   * as in `team:$team:tasks`.
   */
  readonly pattern: Pattern
  /**
   * The document of a model that nobody used yet, or what makes it from the named segments
   * of the key. Without it the server finds only models that were made before.
   */
  readonly initial?: Doc | ((names: NamesOf<Pattern>) => Doc)
  /**
   * Each client has models of its own under these keys, which nobody else knows: for what is
   * selected, filtered, open. They are there at once, as `initial` makes them, are never sent or
   * stored, and last as long as the client.
   */
  readonly local?: boolean
  /** What clients may do. The server holds them to it, and the browser says it at once. */
  readonly rules?: ModelRules<NoInfer<Doc>>
  /** Rules for commands in the order in which they run, in the browser and on the server. */
  readonly intercept?: readonly Interceptor[]
  /**
   * What to do with an update that found something else than it expects, on both sides.
   * Without it, such an update is a conflict.
   */
  readonly resolve?: Resolver
}

/**
 * A kind of models, for both sides: give it to `createClient` and `createService` as one of
 * their `models`. Made by `defineModel`.
 */
export interface ModelDefinition<Types extends ModelTypes = ModelTypes> {
  /** The pattern with `*` for each named segment. */
  readonly pattern: string
  /** Tell whether a model with this key is of the kind. */
  readonly fits: (key: string) => boolean
  /** The first document of the model `key`. */
  readonly initial?: (key: string) => JsonObject
  /** Of models that no server knows; it has no `initial` for them. */
  readonly local?: LocalModels
  /** All rules for commands, those of the schema and of `rules` included. */
  readonly interceptors: readonly Interceptor[]
  /** What `can` says; undefined where everybody may do everything. */
  readonly findRefusal?: FindRefusal
  readonly resolve?: Resolver
  /** Left out where there is one version, and no other was before. */
  readonly versions?: ModelVersions
  /** What can be run by its name, see `withCommands`. */
  readonly commands?: NamedCommands
  /** For the compiler alone; never there. */
  readonly types?: Types
}

/** The type of the documents of a definition: `DocumentOf<typeof todoList>`. */
export type DocumentOf<Definition extends ModelDefinition> = NonNullable<
  Definition['types']
>['document']

/**
 * Say once what a kind of models is, in a file that front end and back end import. The type
 * of the document is what the `schema` takes, and both sides check commands against it.
 * Throws OPTIONS_INVALID for what no model can be made of.
 */
export function defineModel<
  const Pattern extends string,
  const Schema extends StandardSchema<object>,
>(
  description: ModelDescription<Pattern, Stored<InputOf<Schema>>> & {
    /** Any Standard Schema that answers at once: of zod, valibot, arktype and others. */
    readonly schema: Schema
  },
): ModelDefinition<{ pattern: Pattern; document: Stored<InputOf<Schema>> }>
/** The same without a schema: nothing is checked, and `initial` gives the document its type. */
export function defineModel<const Pattern extends string, Doc extends object = JsonObject>(
  description: ModelDescription<Pattern, Doc> & { readonly schema?: never },
): ModelDefinition<{ pattern: Pattern; document: Doc }>
export function defineModel({
  pattern,
  schema,
  initial,
  rules = {},
  intercept = [],
  resolve,
  local = false,
  ...description
}: ModelDescription<string, object> & { readonly schema?: StandardSchema }): ModelDefinition {
  if (typeof pattern !== 'string' || pattern === '') {
    throw new FlushoutError('OPTIONS_INVALID', 'A model has a pattern, as `todos:$list`.')
  }
  const { namesOf, ...compiled } = compileNamedPattern(pattern)
  if (schema && !isUsable(schema)) {
    const message = `The schema of "${pattern}" is no Standard Schema that answers at once.`
    throw new FlushoutError('OPTIONS_INVALID', message)
  }
  const complain = (document: object) => {
    const fault = schema && checkDocument(schema, document)
    if (!fault) return undefined
    return `The first document of "${pattern}" does not fit its schema: at ${describePath(fault.at)}, ${fault.message}`
  }
  const complaint = typeof initial === 'object' && complain(initial)
  if (complaint) throw new FlushoutError('OPTIONS_INVALID', complaint)
  const all = [...interceptBy(rules), ...intercept]
  const versions = completeVersions(pattern, description)
  const begin =
    initial &&
    ((key: string) => {
      const document = typeof initial === 'function' ? initial(namesOf(key)) : initial
      const fault = document !== initial && complain(document)
      // A fault of the application, which its server logs and tells nobody.
      if (fault) throw new Error(fault)
      return document as JsonObject
    })
  if (local && !begin) {
    const message = `A local model has an \`initial\` document; "${pattern}" has none.`
    throw new FlushoutError('OPTIONS_INVALID', message)
  }
  return Object.freeze({
    ...compiled,
    interceptors: Object.freeze(schema ? withSchema(schema, all) : all),
    ...(rules.can && { findRefusal: refusalBy(rules.can) }),
    ...(begin && !local && { initial: begin }),
    ...(begin && local && { local: localModels(begin, versions?.version) }),
    ...(resolve && { resolve }),
    ...(versions && { versions }),
  })
}
