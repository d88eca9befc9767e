export type { DefineTest } from './define-test.ts'
export { hintsContract } from './hints-contract.ts'
export { storeContract } from './store-contract.ts'
