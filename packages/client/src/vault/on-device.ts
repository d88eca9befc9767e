import type { Environment } from '../environment.ts'
import type { ClientStorage } from '../storage/client-storage.ts'
import { indexedDbStorage } from '../storage/indexed-db-storage.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import { browserTabs, type TabEnvironment } from '../tabs/tab-environment.ts'
import { Vault } from './vault.ts'

/** A device that keeps what a client must not forget. */
export interface Device {
  /** Take out what belongs to `user`; undefined where there is no device. For clients only. */
  readonly open: (options: {
    readonly user: string
    readonly environment: Environment
  }) => Vault | undefined
}

export interface DeviceOptions {
  /**
   * Clients of one name and user share what they keep, and one connection. Another
   * server needs another name. Default `flushout`.
   */
  readonly name?: string
  /** Where: in an IndexedDB database of that name, if nothing else is said. */
  readonly storage?: ClientStorage
  /** How the tabs of a browser find each other, for tests. */
  readonly tabs?: TabEnvironment | undefined
}

/**
 * Keep documents and edits on this device: `createClient({ url, storage: onDevice() })`.
 * A page that is loaded again shows what it showed before, without the network, and
 * edits that were not sent go out once. The tabs of a browser share one connection.
 * Where nothing can be stored it works in memory, and `status.durable` says so. Outside of
 * browsers it keeps nothing unless `storage` says where, so that a server that renders
 * pages has nothing that two users might share.
 */
export function onDevice(options: DeviceOptions = {}): Device {
  const { name = 'flushout', tabs = browserTabs() } = options
  if (!options.storage && typeof location === 'undefined') return { open: () => undefined }
  const { storage = indexedDbStorage({ name }) } = options
  // Tabs that cannot tell which of them live would take over each other's edits.
  const isSafe = tabs !== undefined || typeof location === 'undefined'
  const kept = isSafe ? storage : memoryStorage()
  return { open: (whose) => new Vault({ ...whose, name, storage: kept, tabs }) }
}
