import type { ClientStorage, StorageNews } from '@flushout/client'
import { createTestDisk, createTestEnvironment } from '@flushout/client/testing'
import { expect, test } from 'vitest'

test('writes of one turn are stored together, and each has its own promise', async () => {
  const disk = createTestDisk()
  const storage = disk.open()
  const done: number[] = []
  const writes = Array.from({ length: 1000 }, (_, n) =>
    storage.write([{ put: ['n', n], value: n }]).then(() => done.push(n)),
  )
  await Promise.all(writes)
  expect(done).toEqual(Array.from({ length: 1000 }, (_, n) => n))
  expect(disk.rows).toHaveLength(1000)
  expect(disk.writeCount).toBe(1)
})

test('writes that come while the disk is busy are stored together afterwards', async () => {
  const disk = createTestDisk()
  const storage = disk.open()
  disk.hold()
  const writes = [storage.write([{ put: ['first'], value: 1 }])]
  // Its own turn, so that the first is under way.
  await new Promise((resolve) => setImmediate(resolve))
  for (let n = 0; n < 100; n += 1) writes.push(storage.write([{ put: ['n', n], value: n }]))
  disk.release()
  await Promise.all(writes)
  expect(disk.rows).toHaveLength(101)
  expect(disk.writeCount).toBe(2)
})

test('what a full disk does not take is kept in memory, and stored with the next write', async () => {
  const disk = createTestDisk()
  const storage = disk.open()
  const news = newsOf(storage)
  await storage.write([{ put: ['a', 1], value: 'stored' }])
  disk.refuse()
  await storage.write([{ put: ['a', 2], value: 'kept' }, { delete: ['a', 1] }])
  await storage.write([{ put: ['a', 3], value: 'kept' }])
  expect(storage.isDurable).toBe(false)
  expect(storage.error).toMatchObject({ message: 'The disk is full.' })
  expect(disk.rows).toEqual([{ key: ['a', 1], value: 'stored' }])
  const expected = [
    { key: ['a', 2], value: 'kept' },
    { key: ['a', 3], value: 'kept' },
  ]
  expect(await storage.read(['a'])).toEqual(expected)
  disk.accept()
  await storage.write([])
  expect(storage.isDurable).toBe(true)
  expect(storage.error).toBeUndefined()
  expect(disk.rows).toEqual(expected)
  expect(news).toEqual(['volatile', 'durable'])
})

test('a disk that took nothing is tried again by itself, less and less often', async () => {
  const environment = createTestEnvironment()
  const disk = createTestDisk(environment)
  const storage = disk.open()
  disk.refuse()
  await storage.write([{ put: ['a'], value: 1 }])
  // After one second, and after two more.
  await environment.advance(3_000)
  disk.accept()
  await environment.advance(3_999)
  expect(storage.isDurable).toBe(false)
  await environment.advance(1)
  expect(storage.isDurable).toBe(true)
  expect(disk.rows).toEqual([{ key: ['a'], value: 1 }])
})

test('a disk that never answers counts as one that takes nothing', async () => {
  const environment = createTestEnvironment()
  const disk = createTestDisk(environment)
  const storage = disk.open()
  disk.hold()
  const written = storage.write([{ put: ['a'], value: 1 }])
  await environment.advance(10_000)
  await written
  expect(storage.isDurable).toBe(false)
  expect(await storage.read([])).toEqual([{ key: ['a'], value: 1 }])
  disk.release()
  await storage.write([{ put: ['a'], value: 2 }])
  expect(storage.isDurable).toBe(true)
  expect(disk.rows).toEqual([{ key: ['a'], value: 2 }])
})

test('a page that ends with a full disk leaves behind what was stored before', async () => {
  const disk = createTestDisk()
  const storage = disk.open()
  await storage.write([{ put: ['a'], value: 'stored' }])
  disk.refuse()
  await storage.write([{ put: ['a'], value: 'lost' }])
  disk.crash()
  disk.accept()
  expect(await disk.open().read([])).toEqual([{ key: ['a'], value: 'stored' }])
})

test('who listens hears that all was erased, and no more after leaving', async () => {
  const disk = createTestDisk()
  const storage = disk.open()
  const news = newsOf(storage)
  const left: StorageNews[] = []
  storage.subscribe((item) => left.push(item))()
  await storage.write([{ put: ['a'], value: 1 }])
  disk.erase()
  expect(news).toEqual(['erased'])
  expect(left).toEqual([])
  expect(await storage.read([])).toEqual([])
})

function newsOf(storage: ClientStorage): StorageNews[] {
  const news: StorageNews[] = []
  storage.subscribe((item) => news.push(item))
  return news
}
