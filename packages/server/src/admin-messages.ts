// What is said about models as a whole, in the process and over HTTP.
import type { JsonObject } from '@flushout/core'
import { compileSchema, demand } from './check-message.ts'
import type { Schema } from './schemas.ts'

/** A model as its administrators see it. */
export interface ModelEntry {
  readonly key: string
  readonly commandCount: number
  /** What the application says about the model; left out if it said nothing yet. */
  readonly config?: JsonObject
}

/** What a model begins with. */
export interface NewModel {
  /** Instead of the `initial` of its kind; without both, `{}`. */
  readonly document?: JsonObject
  readonly config?: JsonObject
}

/** Which models to list. */
export interface ModelQuery {
  /** A key, or a pattern such as `team:353:*`. */
  readonly pattern: string
  /** Only those behind this key: `next` of the page before. */
  readonly after?: string
  /** How many at most, from 1 to 1,000. Default 100. */
  readonly limit?: number
}

/** Models in the order of their keys. */
export interface ModelPage {
  readonly models: readonly ModelEntry[]
  /** `after` of the next page; left out where there is none. */
  readonly next?: string
}

/** What happened to a model as a whole. */
export interface ModelChange {
  readonly key: string
  readonly change: 'create' | 'configure' | 'delete'
  /** What it is now, where that changed. */
  readonly config?: JsonObject
}

const config: Schema = {
  type: 'object',
  description: 'What the application says about the model; at most 16 KB.',
}

const modelEntry: Schema = {
  type: 'object',
  required: ['key', 'commandCount'],
  properties: {
    key: { type: 'string' },
    commandCount: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    config,
  },
}

/** The messages as JSON Schemas, which also the OpenAPI document shows. */
export const adminSchemas: { readonly [name: string]: Schema } = {
  NewModel: {
    type: 'object',
    additionalProperties: false,
    description: 'What a model begins with.',
    properties: {
      document: { type: 'object', description: 'Instead of the initial one of its kind.' },
      config,
    },
  },
  ModelConfig: {
    type: 'object',
    required: ['config'],
    additionalProperties: false,
    properties: { config },
  },
  ModelEntry: modelEntry,
  Erased: {
    type: 'object',
    required: ['entries', 'checkpoints', 'clients'],
    description: 'From how many rows of each kind something was erased.',
    properties: {
      entries: { type: 'integer', minimum: 0 },
      checkpoints: { type: 'integer', minimum: 0 },
      clients: { type: 'integer', minimum: 0 },
    },
  },
  ModelPage: {
    type: 'object',
    required: ['models'],
    properties: {
      models: { type: 'array', items: modelEntry },
      next: { type: 'string', description: '`after` of the next page, if there is one.' },
    },
  },
}

const isNewModel = compileSchema(adminSchemas['NewModel']!)
const isModelConfig = compileSchema(adminSchemas['ModelConfig']!)

/** Throw FLUSH_INVALID unless `value` is what a model may begin with. */
export function checkNewModel(value: unknown): asserts value is NewModel {
  demand(isNewModel, value)
}

/** Throw FLUSH_INVALID unless `value` holds the config of a model. */
export function checkModelConfig(value: unknown): asserts value is { readonly config: JsonObject } {
  demand(isModelConfig, value)
}
