import type { ClientRecord, LogEntry } from '@flushout/core'
import type { Head, ModelStore } from '@flushout/server'

/** All that a database holds about a model. */
export interface Content {
  readonly head: Head
  readonly floor: { readonly commandCount: number; readonly hash: string }
  readonly checkpoint: {
    readonly commandCount: number
    readonly hash: string
    readonly text: string
    /** Of the document; 1 where left out. */
    readonly schema?: number
  }
  readonly entries: readonly LogEntry[]
  readonly clients: readonly ClientRecord[]
  readonly lastExpired: string
  readonly erasures: number
  /** As JSON. */
  readonly config?: string
}

/** A database as a run needs it: a store without faults, and a look behind it. */
export interface Database {
  /** Each call takes effect at one moment. */
  readonly store: ModelStore
  /** Everything about a model; undefined if there is none. */
  look(key: string): Promise<Content | undefined>
  /** All that is held of a model, in whatever form, as text. */
  texts(key: string): Promise<string>
  /** Make a model what it was when it was looked at; undefined takes it away. */
  put(key: string, content: Content | undefined): Promise<void>
  /** Let the connection of the next call break after so many statements of it. */
  breakAfter(statements: number): void
}
