import { describe, expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import { liveTest } from './support/live-world.ts'

const test = liveTest()

describe.concurrent('a network that is gone', () => {
  test('takes edits meanwhile, says so, and brings everything when it is back', async ({
    live,
  }) => {
    live.mayComplain('Failed to load resource: net::ERR_INTERNET_DISCONNECTED')
    const [one, two] = await Promise.all([live.open(), live.open()])
    await Promise.all([one.isSettled(), two.isSettled()])
    await one.a.add('Milk')
    await two.a.shows('Milk')
    await one.b.shows('Milk')
    one.forgetAsked()
    await one.forgetNotes()
    await one.context.setOffline(true)
    await one.a.add('Bread')
    await two.a.add('Eggs')
    await two.a.tick('Milk').check()
    await two.b.shows('✓ Milk', 'Eggs')
    // What this browser plays leaves open streams alone; a request tells.
    await eventually(() => one.state('A'), 'offline')
    await one.a.edit('Milk', 'Oat milk')
    await one.context.setOffline(false)
    for (const panel of [one.a, one.b, two.a, two.b]) {
      await panel.shows('✓ Oat milk', 'Eggs', 'Bread')
    }
    await one.a.isSaved()
    await one.isSettled()
    expect(await one.states('A')).toEqual(['live', 'offline', 'live'])
    expect(one.asked).not.toContain('load')
  })

  test('is noticed by its silence alone', async ({ live }) => {
    const middleman = await live.middleman()
    const [one, two] = await Promise.all([live.open({ at: middleman.address }), live.open()])
    await Promise.all([one.isSettled(), two.isSettled()])
    await one.a.add('Milk')
    await two.a.shows('Milk')
    await one.b.shows('Milk')
    one.forgetAsked()
    await one.forgetNotes()
    middleman.way = 'silent'
    await two.a.add('Eggs')
    await two.b.shows('Milk', 'Eggs')
    await one.a.add('Bread')
    await one.b.shows('Milk')
    expect(await one.states('B')).toEqual(['live'])
    // Heartbeats come every 20 s.
    await one.page.clock.runFor(31_000)
    await one.is('offline')
    await one.a.edit('Milk', 'Oat milk')
    await one.a.shows('Oat milk', 'Bread')
    middleman.way = 'open'
    // What was lost on its way is given up after 15 s.
    await one.waitsUntil('live')
    for (const panel of [one.a, one.b, two.a, two.b]) {
      await panel.shows('Oat milk', 'Eggs', 'Bread')
    }
    await one.a.isSaved()
    expect(one.asked).not.toContain('load')
  })
})

describe.concurrent('something between that keeps streams from coming through', () => {
  for (const way of ['holding', 'bad gateway', 'web page'] as const) {
    test(`is got round by polls, and by streams again when it is gone (${way})`, async ({
      live,
    }) => {
      live.mayComplain(
        'Failed to load resource: the server responded with a status of 502 (Bad Gateway)',
      )
      const middleman = await live.middleman()
      middleman.way = way
      const [one, two] = await Promise.all([live.open({ at: middleman.address }), live.open()])
      await two.isSettled()
      // A stream that is neither answered nor refused is given up after 3 s.
      if (way === 'holding') await one.page.clock.runFor(3_000)
      await eventually(() => one.polling, 2)
      await two.a.add('Milk')
      // Until a poll is answered, clients ask by timer too.
      await eventually(() => one.polled, 2)
      for (const panel of [one.a, one.b]) await panel.shows('Milk')
      await one.is('polling')
      one.forgetAsked()
      await one.b.edit('Milk', 'Oat milk')
      for (const panel of [two.a, one.a]) await panel.shows('Oat milk')
      await two.a.tick('Oat milk').check()
      for (const panel of [one.a, one.b]) await panel.shows('✓ Oat milk')
      await one.passes(10_000)
      expect(one.asked).toContain('poll')
      expect(one.asked).not.toContain('question')
      await one.is('polling')
      middleman.way = 'open'
      await one.page.evaluate(() => dispatchEvent(new Event('online')))
      await one.isSettled()
      await two.b.add('Bread')
      await one.a.shows('✓ Oat milk', 'Bread')
    })
  }
})
