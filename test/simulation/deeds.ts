import type { Receipt } from '@flushout/client'
import type { Expects, JsonValue, Path } from '@flushout/core'

/** An update that its author gave only for a node as they saw it. */
interface Claim {
  readonly key: string
  readonly path: Path
  readonly expects: Expects
}

/** What was given to take effect as a whole, or not at all. */
export interface Group {
  readonly key: string
  /** Of its commands, in order. */
  readonly marks: readonly string[]
  readonly receipts: readonly Receipt[]
  /** What its author had read to decide on it: what each register held. */
  readonly saw: ReadonlyMap<string, JsonValue | undefined> | undefined
  /** How many commands were confirmed then. */
  readonly since: number
  /** Whether its page may have shown what other tabs had not sent yet. */
  readonly isShared: boolean
}

/** Something that was to go out of a history for good. */
export interface Erasing {
  readonly key: string
  readonly path: Path
  /** What was there when that was asked for. */
  readonly secrets: readonly string[]
  /** How often the history had been rewritten then. */
  readonly rewrites: number
  /** Whether it was told to be gone. */
  isDone: boolean
}

/** What people did that has to hold in a way of its own; edits by their marks. */
export class Deeds {
  readonly claims = new Map<string, Claim>()
  readonly groups: Group[] = []
  /** What edits were called. */
  readonly labels = new Map<string, string>()
  /** Edits of drafts that nobody has published. */
  readonly drafted = new Set<string>()
  readonly erasings: Erasing[] = []
}
