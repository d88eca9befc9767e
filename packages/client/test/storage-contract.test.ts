import { memoryStorage } from '@flushout/client'
import { createTestDisk, storageContract } from '@flushout/client/testing'
import { describe, test } from 'vitest'

describe('memoryStorage', () => {
  storageContract(test, () => ({ storage: memoryStorage() }))
})

describe('a storage on a disk', () => {
  storageContract(test, () => {
    const disk = createTestDisk()
    return { storage: disk.open(), reopen: () => disk.open() }
  })
})

describe('a storage on a disk that takes nothing', () => {
  storageContract(test, () => {
    const disk = createTestDisk()
    disk.refuse()
    return { storage: disk.open() }
  })
})
