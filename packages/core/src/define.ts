// What is said of models once, for browser and server.
export {
  defineModel,
  type DocumentOf,
  type ModelDefinition,
  type ModelDescription,
  type ModelTypes,
} from './define/define-model.ts'
export { derive } from './define/derive.ts'
export type { FieldPath } from './define/field-path.ts'
export type { Fits, NamesOf } from './define/key-names.ts'
export type { LocalModels } from './define/local-models.ts'
export type { ModelRules } from './define/model-rules.ts'
export type { Can, FindRefusal, NodeAction, NodeView } from './define/permission.ts'
export type {
  InputOf,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from './define/standard-schema.ts'
export type { Stored } from './define/stored.ts'
