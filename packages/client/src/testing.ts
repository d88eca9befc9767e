// What tests of applications and of these packages need: a clock that stands
// still, a network and a disk that fail to order, a server in memory, and the
// contracts that every transport and every storage has to keep.
export { haveAllParts } from './testing/have-all-parts.ts'
export {
  createTestEnvironment,
  type TestEnvironment,
  type TestEnvironmentOptions,
} from './testing/test-environment.ts'
export {
  createTestNetwork,
  type Fault,
  type Live,
  type Sent,
  type TestNetwork,
} from './testing/test-network.ts'
export type { TestLive } from './testing/test-live.ts'
export { createTestServer, type TestServer, type TestServerOptions } from './testing/test-server.ts'
export type {
  CreateTransport,
  TransportUnderTest,
  TransportWorld,
} from './testing/contract-story.ts'
export { liveContract } from './testing/live-contract.ts'
export { storageContract, type StorageUnderTest } from './testing/storage-contract.ts'
export { createTestDisk, type TestDisk } from './testing/test-disk.ts'
export { transportContract } from './testing/transport-contract.ts'
