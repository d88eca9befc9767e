import type { Imports } from './bundle.ts'

const react: Imports = {
  '@flushout/react': ['FlushoutProvider', 'useFlushout', 'useKeys', 'useNode', 'useSyncStatus'],
  // The provider needs a client, so an app has all three packages.
  '@flushout/client': ['createClient'],
}
const device: Imports = { ...react, '@flushout/client': ['createClient', 'onDevice'] }
const presence: Imports = {
  ...device,
  '@flushout/react': [...react['@flushout/react']!, 'useOthers', 'usePresence'],
}

/** What an app imports of Flushout, step by step, and what a page should then load at most, in KB. */
export const steps: readonly { name: string; imports: Imports; goal: number }[] = [
  {
    name: 'core: a proxy',
    imports: { '@flushout/core': ['CommandProxy', 'createIdFactory'] },
    goal: 3,
  },
  { name: 'core + client + react', imports: react, goal: 8 },
  { name: 'and on the device', imports: device, goal: 12 },
  { name: 'and presence', imports: presence, goal: 14 },
]

/**
 * What an app imports of others that keep the data of a page, for the same little app: make,
 * read and change data, keep it on the device and be in step with others, as far as each can.
 */
export const others: { readonly [name: string]: Imports } = {
  'Original flushout: no network, no hooks': { flushout: ['Master', 'Proxy'] },
  'Immer: no network': { immer: ['produce'] },
  'Mutative: no network': { mutative: ['create'] },
  'Logux, with IndexedDB': { '@logux/client': ['CrossTabClient', 'IndexedStore'] },
  'TanStack Query: no edits offline': {
    '@tanstack/react-query': ['QueryClient', 'QueryClientProvider', 'useMutation', 'useQuery'],
  },
  'Immutable.js: no network': { immutable: ['Map', 'fromJS'] },
  'ShareDB, the client alone': { 'sharedb/lib/client/index.js': ['Connection'] },
  'Yjs, with IndexedDB, no network': { yjs: ['Doc'], 'y-indexeddb': ['IndexeddbPersistence'] },
  Replicache: { replicache: ['Replicache'] },
  InstantDB: { '@instantdb/react': ['init'] },
  Liveblocks: {
    '@liveblocks/react': [
      'LiveblocksProvider',
      'RoomProvider',
      'useMutation',
      'useOthers',
      'useStorage',
    ],
  },
  'TanStack DB: no network, no hooks': {
    '@tanstack/db': ['createCollection', 'createLiveQueryCollection', 'eq'],
  },
  'Automerge: no network': { '@automerge/automerge': ['change', 'from'] },
}
