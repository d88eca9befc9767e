import type { Rejection } from './command.ts'
import type { JsonObject } from './json.ts'

/** Why a command cannot stay in the document. */
export type Loss =
  /** Refused by a rule, here or on the master. */
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** What it builds on is gone. */
  | { readonly kind: 'dropped'; readonly rejection: Rejection }
  /** Somebody else was first in what the command expects; nothing was overwritten. */
  | {
      readonly kind: 'conflict'
      readonly rejection: Rejection
      /** What the command was to set. */
      readonly given: JsonObject
      /** What is there: of the fields of the command, and of those that it expects. */
      readonly found: JsonObject
    }
