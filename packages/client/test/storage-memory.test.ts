import { memoryStorage } from '@flushout/client'
import { expect, test } from 'vitest'

test('what is kept in memory is never durable', async () => {
  const storage = memoryStorage()
  await storage.write([{ put: ['a', 1], value: { text: 'milk' } }])
  expect(await storage.read(['a'])).toEqual([{ key: ['a', 1], value: { text: 'milk' } }])
  expect(storage.isDurable).toBe(false)
  await storage.close()
  await expect(storage.read([])).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
})
