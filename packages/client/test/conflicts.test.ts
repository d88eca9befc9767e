import type { ModelVerdict } from '@flushout/client'
import type { Resolver } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { DeviceWorld, type DevicePage } from './support/device-world.ts'

const LONG_MS = 60_000
const A = ['todos', 'a'] as const

async function pass(...pages: DevicePage[]) {
  for (const { environment } of pages) await environment.advance(LONG_MS)
}

/** Two people with a list of one todo, the first of whom keeps things on the device. */
async function start(resolve?: Resolver) {
  const world = new DeviceWorld({ a: { text: 'Milk' } }, resolve && { resolve })
  const page = world.open(resolve && { resolve })
  const bob = world.visit()
  await pass(page, bob)
  return { world, page, bob }
}

/** Edit the todo offline, as Bob does at once, so that both meet. */
async function collide({ page, bob }: Awaited<ReturnType<typeof start>>) {
  page.network.dropRequests()
  const receipt = page.model.update(
    A,
    { text: 'Oat milk' },
    { expects: { props: { text: 'Milk' }, unset: ['by'] } },
  )
  bob.model.update(A, { text: 'Soy milk' })
  await pass(bob)
  return receipt
}

const CONFLICT = {
  kind: 'conflict',
  given: { text: 'Oat milk' },
  found: { text: 'Soy milk' },
  rejection: { code: 'CONFLICT' },
  path: A,
}

describe('an edit that meets a conflict', () => {
  test('is told with both values, and overwrites nothing', async () => {
    const all = await start()
    const { world, page } = all
    const verdicts: ModelVerdict[] = []
    page.client.subscribeVerdicts((verdict) => verdicts.push(verdict))
    const { verdict } = await collide(all)
    page.network.heal()
    await pass(page)
    expect(page.model.rejections).toMatchObject([CONFLICT])
    expect(await verdict).toMatchObject({ kind: 'conflict', found: { text: 'Soy milk' } })
    expect(verdicts).toMatchObject([{ outcome: { kind: 'conflict', given: { text: 'Oat milk' } } }])
    expect(page.texts()).toEqual(['Soy milk'])
    expect(world.todos).toEqual({ a: { text: 'Soy milk' } })
    page.model.dismiss(page.model.rejections[0]!)
    await pass(page)
    expect(page.model.rejections).toEqual([])
    expect(world.todos).toEqual({ a: { text: 'Soy milk' } })
  })

  test('waits on the disk with what it expects, and as an entry with what it found', async () => {
    const all = await start()
    const { world, page } = all
    const { durable } = await collide(all)
    expect(await durable).toBe(true)
    page.client.close()

    const second = world.open()
    await pass(second)
    expect(second.model.rejections).toMatchObject([CONFLICT])
    second.client.close()

    const third = world.open()
    await pass(third)
    expect(third.model.rejections).toMatchObject([CONFLICT])
    third.model.retry(third.model.rejections[0]!)
    await pass(third)
    expect(third.model.rejections).toEqual([])
    expect(world.todos).toEqual({ a: { text: 'Oat milk' } })
  })

  test('given again overwrites what was found, and nothing newer', async () => {
    const all = await start()
    const { world, page, bob } = all
    await collide(all)
    page.network.heal()
    await pass(page)
    const [lost] = page.model.rejections

    // Newer, and not known here yet.
    page.network.dropRequests()
    const again = page.model.retry(lost!)
    expect(again.ok).toBe(true)
    expect(page.texts()).toEqual(['Oat milk'])
    bob.model.update(A, { text: 'Rice milk' })
    await pass(bob)
    page.network.heal()
    await pass(page)
    expect(page.model.rejections).toMatchObject([{ ...CONFLICT, found: { text: 'Rice milk' } }])

    // Newer, and known.
    bob.model.update(A, { by: 'bob' })
    await pass(bob, page)
    const known = page.model.retry(page.model.rejections[0]!)
    expect(known).toMatchObject({ ok: false, outcome: { found: { by: 'bob' } } })
    expect(page.model.rejections).toHaveLength(1)

    bob.model.update(A, {}, { unset: ['by'] })
    await pass(bob, page)
    expect(page.model.retry(page.model.rejections[0]!).ok).toBe(true)
    await pass(page)
    expect(page.model.rejections).toEqual([])
    expect(world.todos).toEqual({ a: { text: 'Oat milk' } })
  })

  test('because of a count is given again for what was found', async () => {
    const { world, page, bob } = await start()
    page.network.dropRequests()
    const since = page.model.status.confirmed
    page.model.update(A, { text: 'Oat milk' }, { expects: { since } })
    bob.model.update(A, { done: true })
    await pass(bob)
    page.network.heal()
    await pass(page)
    expect(page.model.rejections).toMatchObject([{ ...CONFLICT, found: { text: 'Milk' } }])
    page.model.retry(page.model.rejections[0]!)
    await pass(page)
    expect(world.todos).toEqual({ a: { text: 'Oat milk', done: true } })
  })

  test('is put together where both sides have a resolver', async () => {
    const all = await start(({ command, found }) => ({
      props: { text: `${found['text'] as string} and ${command.props!['text'] as string}` },
    }))
    const { world, page, bob } = all
    const { verdict } = await collide(all)
    page.network.heal()
    await pass(page)
    expect(await verdict).toMatchObject({ kind: 'amended' })
    expect(world.todos).toEqual({ a: { text: 'Soy milk and Oat milk' } })
    // Known already, it shows what will come of it.
    page.network.dropRequests()
    page.model.update(A, { text: 'Tea' }, { expects: { props: { text: 'Milk' } } })
    expect(page.texts()).toEqual(['Soy milk and Oat milk and Tea'])
    page.network.heal()
    await pass(page, bob)
    expect(bob.texts()).toEqual(['Soy milk and Oat milk and Tea'])
    expect(page.model.rejections).toEqual([])
  })
})
