export type { DefineTest } from './define-test.ts'
export { storeContract } from './store-contract.ts'
