// What a model and the client that it belongs to ask of each other.
import type {
  DocumentView,
  FlushoutError,
  Path,
  Position,
  ProxyOptions,
  Rejection,
  Snapshot,
} from '@flushout/core'
import type { LocalModels, NodeAction } from '@flushout/core/define'
import type { ModelTap } from './client-event.ts'
import type { Environment } from './environment.ts'
import type { FlushLoop } from './flush-loop.ts'
import type { FlushTiming } from './flush-timing.ts'
import type { Carriage } from './model-status.ts'
import type { Presence } from './presence.ts'
import type { Transport } from './transport.ts'
import type { Vault } from './vault/vault.ts'

/** What a model is made with. */
export interface ModelOptions {
  readonly key: string
  readonly transport: Transport
  readonly environment: Environment
  readonly timing: Required<FlushTiming>
  readonly proxy: ProxyOptions
  /** Why its user may not do something in `document`; undefined if they may. */
  readonly findRefusal: (
    document: DocumentView,
    action: NodeAction,
    path: Path,
  ) => Rejection | undefined
  /** What it works by if no server knows it. */
  readonly local: LocalModels | undefined
  /** Where the model is kept on this device; undefined if it is not. */
  readonly vault: Vault | undefined
  /** Who else is at this key; `keep` is called while somebody wants to know. */
  readonly openPresence: (keep: () => () => void) => Presence
  /**
   * Ask the server for something beside the exchanges, for as long as one of those may
   * take. Rejects with a `FlushoutError`.
   */
  readonly ask: <T>(run: (signal: AbortSignal) => Promise<T>) => Promise<T>
  /** Takes what goes on, as long as somebody wants to know. */
  readonly tap: () => ModelTap
  /** Whether the client was closed. */
  readonly isClosed: () => boolean
  /** Hears whenever `isNeeded` of the control is another. */
  readonly onNeedChange: () => void
  /** Hears whenever it begins or ceases to hold edits that would be lost with the page. */
  readonly onRiskChange: (isAtRisk: boolean) => void
  /** Hears whenever `position` of the control is there or gone. */
  readonly onFollowChange: () => void
  /** Hears when exchanges work again after the live connection refused the model. */
  readonly onReadmitted: () => void
  /** Hears when an exchange worked, although the live connection does not carry the model. */
  readonly onExchanged: () => void
  /** Hears when the server says, perhaps again, that this page is too old for it. */
  readonly onOutdated: (error: FlushoutError) => void
}

/** What the client that a model belongs to does with it. */
export interface ModelControl {
  /** To wake, to pause, and to change the mode of; `resume` and `close` go over the model. */
  readonly loop: FlushLoop
  /** Whether the model is being watched or loaded, or holds what the master does not have. */
  readonly isNeeded: () => boolean
  /** How far the document is, if somebody wants it to be kept current. */
  readonly position: () => Position | undefined
  /** What the master vouched for; undefined until there is a document. */
  readonly confirmed: () => Snapshot | undefined
  /** Ask for the document as the server has it; nothing comes of it here. */
  readonly load: (signal: AbortSignal) => Promise<Snapshot>
  /**
   * Begin with a document that is here already and was in step at that time, in place of the
   * load. Nothing happens if somebody waits for that, or it is over.
   */
  readonly begin: (snapshot: Snapshot, at: number) => void
  /** How news of it come from now on. */
  readonly carry: (carriage: Carriage) => void
  /** The live connection says how far the model is, with what led there if that is known. */
  readonly hear: (head: Head, news?: News) => void
  /** The live connection says nothing more about the model, for this reason. */
  readonly refuse: (error: FlushoutError) => void
  /** Take over edits that other pages left; the model is loaded for that, if need be. */
  readonly inherit: () => Promise<void>
  readonly resume: () => void
  readonly close: () => void
}

/** How far a model is. */
export interface Head {
  readonly commandCount: number
  readonly hash: string
}

/** What led there, from where the history hash is `base`. */
export interface News {
  readonly base: unknown
  readonly updates: unknown
}
