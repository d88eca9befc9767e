import { memoryStorage, onDevice } from '@flushout/client'
import { describe, expect, test } from 'vitest'
import { DeviceWorld, peek } from './support/device-world.ts'

describe('an edit is durable', () => {
  test('when the disk has it, and not before', async () => {
    const { disk, model, environment, network } = await start()
    network.dropRequests()
    disk.hold()
    const first = model.create(['todos'], { text: 'Milk' })
    await environment.settle()
    // Given while the first is being written.
    const second = model.create(['todos'], { text: 'Bread' })
    const waiting = model.update(['todos', first.id], { done: true }, { wait: true })
    await environment.settle()
    expect(await Promise.all([first, second, waiting].map((one) => peek(one.durable)))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(model.status.durable).toBe(false)
    const { rows } = disk
    expect(rows.filter(({ key }) => key[2] === 'edit')).toEqual([])
    disk.release()
    await environment.settle()
    expect(await Promise.all([first.durable, second.durable, waiting.durable])).toEqual([
      true,
      true,
      true,
    ])
    expect(model.status.durable).toBe(true)
    expect(disk.rows.filter(({ key }) => key[2] === 'edit')).toHaveLength(3)
  })

  test('by the write that it is in, not by an earlier one', async () => {
    const { disk, model, environment, network } = await start()
    network.dropRequests()
    disk.hold()
    const first = model.create(['todos'], { text: 'Milk' })
    await environment.settle()
    const second = model.create(['todos'], { text: 'Bread' })
    await environment.settle()
    // The first write ends, the next one waits.
    disk.release()
    disk.hold()
    await environment.settle()
    expect(await Promise.all([peek(first.durable), peek(second.durable)])).toEqual([
      true,
      undefined,
    ])
    expect(disk.rows.filter(({ key }) => key[2] === 'edit')).toHaveLength(1)
    disk.release()
    expect(await second.durable).toBe(true)
  })

  test('never where the disk refuses it: it works in memory, and goes out', async () => {
    const { world, disk, model, environment } = await start()
    disk.refuse()
    const { id, durable } = model.create(['todos'], { text: 'Milk' })
    expect(await durable).toBe(false)
    expect(model.status).toMatchObject({ durable: false, queued: 1 })
    expect(model.read(['todos', id])).toEqual({ text: 'Milk' })
    await environment.advance(1_000)
    expect(Object.values(world.todos)).toEqual([{ text: 'Milk' }])
    disk.accept()
    await environment.advance(120_000)
    expect(model.status.durable).toBe(true)
    expect(await model.create(['todos'], {}).durable).toBe(true)
  })

  test('never where nothing is kept', async () => {
    const world = new DeviceWorld()
    for (const storage of [undefined, onDevice({ storage: memoryStorage() })]) {
      const page = world.open({ storage: storage! })
      await page.environment.advance(1_000)
      page.network.dropRequests()
      expect(await page.model.create(['todos'], { text: 'Milk' }).durable).toBe(false)
      expect(page.model.status.durable).toBe(false)
    }
  })

  test('never where the disk takes too long; it goes out all the same', async () => {
    const { world, disk, model, environment } = await start()
    disk.hold()
    const { durable, verdict } = model.create(['todos'], { text: 'Milk' })
    const refused = model.update(['todos', 'gone'], {})
    expect(await refused.durable).toBe(false)
    await environment.advance(9_000)
    expect(await peek(durable)).toBe(undefined)
    await environment.advance(11_000)
    expect(await durable).toBe(false)
    expect(await verdict).toEqual({ kind: 'applied' })
    expect(Object.values(world.todos)).toEqual([{ text: 'Milk' }])
  })
})

async function start() {
  const world = new DeviceWorld()
  const page = world.open()
  await page.environment.advance(1_000)
  return { world, disk: world.disk, ...page }
}
