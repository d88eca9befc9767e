// What clients in Node have beside those in browsers.
export { fileStorage, type FileStorageOptions } from './storage/file-storage.ts'
