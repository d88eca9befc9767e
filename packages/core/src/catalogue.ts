/** What a client does after a failed flush or pull. */
export type Retry =
  /** Sending the same again gives the same refusal. */
  | 'never'
  /** A passing fault: send the same flush again, after a pause. */
  | 'same-flush'
  /** The two sides disagree about the past: take a new client id and a snapshot. */
  | 'after-resync'
  /** Log in first; the flush is then sent unchanged. */
  | 'after-auth'
  /** This client is too old for the server; its edits are kept. */
  | 'after-upgrade'

/**
 * Every code that a refusal or an error can carry, with what a client does
 * about it. Codes are API; docs/errors.md explains each under its own heading.
 */
export const catalogue = {
  // Why a command was refused or no longer applies.
  COMMAND_INVALID: 'never',
  COMMAND_UNKNOWN: 'never',
  COMMAND_OUTDATED: 'never',
  COMMAND_FAILED: 'never',
  COMMAND_TOO_LARGE: 'never',
  PATH_INVALID: 'never',
  PATH_NOT_FOUND: 'never',
  NOT_A_NODE: 'never',
  ROOT_UNDELETABLE: 'never',
  ID_INVALID: 'never',
  KEY_FORBIDDEN: 'never',
  VALUE_INVALID: 'never',
  TOO_DEEP: 'never',
  DOCUMENT_TOO_LARGE: 'never',
  CONFLICT: 'never',
  PARENT_REJECTED: 'never',
  BATCH_REJECTED: 'never',
  GROUP_REJECTED: 'never',
  GROUP_TOO_LARGE: 'never',
  WITHDRAWN: 'never',
  OUTCOME_UNKNOWN: 'never',
  REJECTED: 'never',
  SCHEMA_INVALID: 'never',
  FIELD_LOCKED: 'never',
  INTERCEPTOR_INVALID: 'never',
  INTERCEPTOR_FAILED: 'never',
  FOLLOW_UP_REJECTED: 'never',
  // Why a flush or a pull was refused.
  FLUSH_INVALID: 'never',
  FLUSH_TOO_LARGE: 'never',
  UNAUTHENTICATED: 'after-auth',
  USER_MISMATCH: 'after-auth',
  FORBIDDEN: 'never',
  MODEL_NOT_FOUND: 'never',
  NOT_FOUND: 'never',
  VERSION_NOT_FOUND: 'never',
  HISTORY_DAMAGED: 'never',
  HISTORY_CHANGED: 'after-resync',
  SEQUENCE_GAP: 'after-resync',
  SEQUENCE_REUSED: 'after-resync',
  SEQUENCE_PAST: 'after-resync',
  CLIENT_EXPIRED: 'after-resync',
  PROTOCOL_UNSUPPORTED: 'after-upgrade',
  RATE_LIMITED: 'same-flush',
  UPGRADE_REQUIRED: 'after-upgrade',
  BUSY: 'same-flush',
  UNAVAILABLE: 'same-flush',
  INTERNAL: 'same-flush',
  // What the client side runs into by itself.
  NETWORK: 'same-flush',
  ANSWER_INVALID: 'same-flush',
  LIVE_BLOCKED: 'same-flush',
  // Broken contracts, thrown at the caller.
  FLUSH_IN_PROGRESS: 'never',
  NO_FLUSH: 'never',
  MODEL_LOADING: 'never',
  CLIENT_CLOSED: 'never',
  OPTIONS_INVALID: 'never',
  NO_PROVIDER: 'never',
} as const

/** A code of the catalogue. */
export type ErrorCode = keyof typeof catalogue
