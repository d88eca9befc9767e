// Whatever befalls the tabs of one browser, those that are left agree with the
// server, by one connection, and every edit of theirs took effect once
// or was given back.
import type { Model } from '@flushout/client'
import type { JsonObject } from '@flushout/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TabsWorld, type OpenTab } from './support/tabs-world.ts'

const KEYS = ['todos:groceries', 'todos:tools']

/** An open tab that looks at the lists, and what was done in it. */
interface Page {
  readonly open: OpenTab
  readonly models: readonly Model[]
  readonly texts: string[]
  isDead: boolean
}

type Step = (page: Page, world: TabsWorld, pages: Page[]) => unknown

const STEPS: Readonly<Record<string, Step>> = {
  edit: (page) => edit(page, 0),
  'edit the other': (page) => edit(page, 1),
  flush: ({ open }) => void open.client.flush(),
  share: ({ models }) => models[0]!.presence.share({ at: 'milk' }),
  kill: (page, _world, pages) => {
    if (pages.filter(({ isDead }) => !isDead).length > 1) end(page, () => page.open.kill())
  },
  close: (page, _world, pages) => {
    if (pages.filter(({ isDead }) => !isDead).length < 2) return
    end(page, () => {
      page.open.client.close()
      page.open.transport.close()
    })
  },
  open: async (_page, world, pages) => {
    if (pages.length < 8) pages.push(enter((await world.open(1))[0]!))
  },
  freeze: ({ open }) => open.tab.freeze(),
  deafen: ({ open }) => open.tab.freeze(true),
  thaw: ({ open }) => open.tab.thaw(),
  cut: ({ open }) => open.network.cut(),
  mute: ({ open }) => open.network.mute(),
  block: ({ open }) => open.network.blockStreams(),
  drop: ({ open }) => open.network.dropRequests(),
  'drop an answer': ({ open }) => open.network.dropAnswers(1),
  heal: (page) => page.isDead || heal(page),
  hide: (_page, { environment }) => environment.hide(),
  wake: (_page, { environment }) => environment.wake(),
  'a moment': (_page, { environment }) => environment.advance(30),
  'a while': (_page, { environment }) => environment.advance(3_000),
  long: (_page, { environment }) => environment.advance(45_000),
  beat: (_page, { server }) => server.hub.beat(),
  bye: (_page, { server }) => server.hub.end(500),
  forbid: (_page, { server }) => server.refuse(KEYS[1]!, 'FORBIDDEN'),
  allow: (_page, { server }) => server.refuse(KEYS[1]!),
}

const scripts = fc.array(fc.tuple(fc.nat({ max: 7 }), fc.constantFrom(...Object.keys(STEPS))), {
  maxLength: 60,
})

test('after any script the tabs that are left are live and in step by one stream', () =>
  fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const world = new TabsWorld(Object.fromEntries(KEYS.map((key) => [key, { todos: {} }])))
      const { environment, server } = world
      const pages = (await world.open(3)).map(enter)
      for (const [index, name] of script)
        await STEPS[name]!(pages[index % pages.length]!, world, pages)

      const left = pages.filter(({ isDead }) => !isDead)
      server.refuse(KEYS[1]!)
      for (const page of left) {
        page.open.tab.thaw()
        heal(page)
      }
      if (environment.isHidden()) await environment.wake()
      for (const { open, models } of left) {
        if (!models.every((model) => model.isLoaded)) open.client.resume()
      }
      for (let count = 0; count < 12; count += 1) {
        await environment.advance(15_000)
        server.hub.beat()
      }
      await environment.advance(1_000)

      expect(world.streams).toHaveLength(1)
      expect(world.gateway?.network.streams).toHaveLength(1)
      for (const { models, texts } of left) {
        for (const model of models) {
          expect(model.status).toMatchObject({ state: 'live', queued: 0, inFlight: 0 })
          expect(model.read()).toEqual(server.snapshot(model.key).document)
        }
        const known = KEYS.flatMap((key) => textsOf(server.snapshot(key).document))
        const told = models.flatMap(({ rejections }) => rejections.map(({ command }) => command))
        const lost = new Set(told.map((command) => 'props' in command && command.props['text']))
        for (const text of texts) {
          const times = known.filter((one) => one === text).length
          // Who may no longer write never learns that an edit had arrived before.
          if (!lost.has(text)) expect([text, times]).toEqual([text, 1])
          else expect(times).toBeLessThan(2)
        }
      }
      for (const { open } of left) {
        open.client.close()
        open.transport.close()
        await environment.settle()
      }
      expect(environment.timers).toBe(0)
      expect(server.hub.open).toBe(0)
    }),
    { numRuns: Number(process.env['RUNS'] ?? 60) },
  ))

function enter(open: OpenTab): Page {
  const models = KEYS.map((key) => open.client.model(key))
  for (const model of models) {
    model.watch()
    model.ready.catch(() => {})
  }
  return { open, models, texts: [], isDead: false }
}

let count = 0

function edit({ models, texts, isDead }: Page, index: number): void {
  const model = models[index]!
  if (isDead || !model.isLoaded) return
  const text = `Milk ${(count += 1)}`
  model.create(['todos'], { text })
  texts.push(text)
}

function heal({ open: { network } }: Page): void {
  // No connection goes on after something on it was lost.
  network.cut()
  network.heal()
}

function end(page: Page, how: () => void): void {
  if (page.isDead) return
  page.isDead = true
  how()
}

function textsOf(document: JsonObject): unknown[] {
  return Object.values(document['todos'] as Record<string, JsonObject>).map(({ text }) => text)
}
