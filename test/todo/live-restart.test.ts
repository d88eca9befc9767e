import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import { runMain } from './support/app.ts'
import { eventually } from './support/eventually.ts'
import { LivePage, takeNotes } from './support/live-page.ts'
import { worldTest, type World } from './support/world.ts'

describe('a server on Postgres that goes and comes back', () => {
  const data = mkdtempSync(join(tmpdir(), 'flushout-live-'))
  let app = runMain({ DATA_DIR: data })
  const test = worldTest(() => app.ready)
  afterAll(async () => {
    await app.end('SIGTERM')
    rmSync(data, { recursive: true, force: true })
  })

  async function openNoted(world: World): Promise<LivePage> {
    const { page } = await world.open()
    const noted = new LivePage(page.context(), page)
    await noted.is('live')
    await page.evaluate(takeNotes)
    return noted
  }

  for (const [how, signal] of [
    ['killed', 'SIGKILL'],
    ['asked to end', 'SIGTERM'],
  ] as const) {
    test(`is found again by all pages, and has all their edits once (${how})`, async ({
      world,
    }) => {
      world.expectOutage()
      const [one, two] = await Promise.all([openNoted(world), openNoted(world)])
      await one.a.add('Milk')
      await two.a.shows('Milk')
      // Sent, on its way or neither.
      await Promise.all([one.a.add('Bread'), two.a.edit('Milk', 'Oat milk'), app.end(signal)])
      await one.b.add('Eggs')
      await two.b.add('Jam')
      await Promise.all([one.is('offline'), two.is('offline')])
      await two.a.tick('Oat milk').check()
      app = runMain({ DATA_DIR: data, PORT: new URL(world.address).port })
      await app.ready
      const panels = [one.a, one.b, two.a, two.b]
      const sorted = async () => (await one.a.texts()).toSorted()
      await eventually(sorted, ['Bread', 'Eggs', 'Jam', '✓ Oat milk'])
      await Promise.all(panels.map((panel) => panel.isSaved()))
      await Promise.all([one.is('live'), two.is('live')])
      // The order in which they came is the server's to say.
      const inOrder = await one.a.texts()
      for (const panel of panels) await panel.shows(...inOrder)
      expect(inOrder.toSorted()).toEqual(await sorted())
      for (const states of [await one.states('A'), await two.states('B')]) {
        const told = states.filter((state) => state !== 'polling')
        expect(told).toEqual(['live', 'offline', 'live'])
      }
    })
  }
})
