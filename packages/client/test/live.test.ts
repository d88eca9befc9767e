import { describe, expect, test } from 'vitest'
import { enter, serveLive, textsOn, type Player } from './support/play.ts'

/** A client that has loaded the list, watches it, and hears what happens. */
async function listen(...[server, options]: Parameters<typeof enter>): Promise<Player> {
  const player = await enter(server, options)
  await player.environment.advance(20)
  return player
}

describe('a live connection', () => {
  test('brings what others do at once, and nothing is asked', async () => {
    const server = serveLive()
    const ada = await listen(server)
    const bob = await listen(server, { name: 'bob' })
    bob.type('Milk')
    await bob.model.flush()
    await ada.environment.settle()
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.network.flushes).toEqual([])
    expect(ada.model.status).toMatchObject({ state: 'live', confirmed: 1 })
    expect(textsOn(server)).toEqual(['Milk'])
  })
})
