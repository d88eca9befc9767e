import type { CommandTracker, TrackedCommand } from '@flushout/core'
import type { Environment } from './environment.ts'
import type { ClientStorage, StorageKey } from './storage/client-storage.ts'

/** What follows a model, and may outlive the page together with it. */
export interface ModelTracker extends CommandTracker {
  /** The model is kept on this device, and so is whatever is written here. */
  readonly keptIn?: (place: StepPlace) => void
}

/** Where a model is kept, for what is to be known of the commands that a page gave. */
export interface StepPlace {
  /** What page of whom this is, and which was before it. */
  readonly pages: StepPages
  /** Of all rows of the model. */
  readonly prefix: StorageKey
  /** Under what id this page gives commands. */
  readonly clientId: string
  /** Those that nobody has confirmed yet. */
  readonly pending: readonly TrackedCommand[]
}

/** The pages of one user on this device, and what they keep. See `Vault`. */
export interface StepPages {
  readonly page: string
  readonly storage: ClientStorage
  readonly environment: Pick<Environment, 'now'>
  before(): Promise<string | undefined>
  listDead(pages: readonly string[]): Promise<readonly string[]>
}
