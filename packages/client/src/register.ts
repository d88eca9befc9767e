import type { AnyRuns, JsonObject } from '@flushout/core'
import type { Fits, ModelDefinition, ModelTypes } from '@flushout/core/define'
import type { Model } from './model.ts'

/**
 * Where an application names its models, once, so that each key knows its document:
 * `declare module '@flushout/client' { interface Register { models: [typeof todoList] } }`.
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- it is for others to fill
export interface Register {}

type Models = Register extends { readonly models: infer M extends readonly ModelDefinition[] }
  ? M
  : undefined

/** The type of the document of the model `Key`; any JSON where no models are registered. */
export type DocumentAt<Key extends string> = Models extends readonly ModelDefinition[]
  ? Find<Models, Key>['document']
  : JsonObject

/** What each named command of the model `Key` is run with; anything where no models are registered. */
type RunsAt<Key extends string> = Models extends readonly ModelDefinition[]
  ? RunsIn<Find<Models, Key>>
  : AnyRuns

type RunsIn<Types extends ModelTypes> = Types extends { readonly runs: infer Runs extends object }
  ? Runs
  : object

/** The model `Key`. */
// oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- not where models are registered
export type ModelAt<Key extends string> = Model<DocumentAt<Key>, RunsAt<Key>>

/** `Key` if a registered model has it, or if none is registered; else nothing. */
export type RegisteredKey<Key extends string> = Models extends readonly ModelDefinition[]
  ? [Find<Models, Key>] extends [never]
    ? never
    : Key
  : Key

/** What is known of the first that fits, as at run time; of each where `Key` may be several. */
type Find<All extends readonly ModelDefinition[], Key extends string> = Key extends string
  ? All extends readonly [
      ModelDefinition<infer Types>,
      ...infer Rest extends readonly ModelDefinition[],
    ]
    ? Fits<Types['pattern'], Key> extends true
      ? Types
      : Find<Rest, Key>
    : never
  : never

/**
 * What a key may be where `Doc` is given by hand: any. Where models are registered and it
 * is not given, the sentence that the compiler then says.
 */
export type KeyFor<Doc> = Models extends readonly ModelDefinition[]
  ? [Doc] extends [never]
    ? 'No registered model has this key: give the type of its document'
    : string
  : string
