export { storeContract, type DefineTest } from './store-contract.ts'
