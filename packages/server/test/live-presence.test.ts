// Who is shown where, on one server and on several.
import type { JsonObject, User } from '@flushout/core'
import { memoryStore, type FlushoutService } from '@flushout/server'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Presence } from '../src/live/presence.ts'
import { Clock, Ear, Post, serve, settle } from './support/live-world.ts'
import { codeOf, createTestService, KEY } from './support/world.ts'

/** Somebody's page: its token, and what it last told of itself. */
class Page {
  readonly token = `token-${crypto.randomUUID()}`
  readonly user: User
  state: JsonObject | null
  sequence = 1
  ear!: Ear

  constructor(name: string, state: JsonObject | null = { name }) {
    this.user = { id: name }
    this.state = state
  }

  get peer(): string {
    return Presence.nameOf(this.token)
  }

  /** Connect, beside a connection that may be open. */
  async connect(service: FlushoutService): Promise<Ear> {
    const { token, sequence, state } = this
    const presence = { token, sequence, models: { [KEY]: state } }
    this.ear = await Ear.open(service, { presence }, this.user)
    return this.ear
  }

  async announce(service: FlushoutService, state: JsonObject | null, user = this.user) {
    this.state = state
    this.sequence += 1
    const { token, sequence } = this
    await service.announce({ token, sequence, models: { [KEY]: state } }, user)
  }
}

async function enter(service: FlushoutService, name: string, state?: JsonObject | null) {
  const page = new Page(name, state)
  await page.connect(service)
  return page
}

function states(pages: readonly Page[]) {
  return Object.fromEntries(pages.map(({ peer, state }) => [peer, state]))
}

describe('one server', () => {
  test('shows who comes, what they do, and two seconds later that they went', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const ada = await enter(service, 'ada')
    expect(ada.ear.events).toMatchObject([
      { event: 'ready', peer: ada.peer },
      {
        event: 'presence',
        key: KEY,
        isAll: true,
        peers: { [ada.peer]: { userId: 'ada', state: { name: 'ada' } } },
      },
    ])
    const bob = await enter(service, 'bob')
    await clock.pass(200)
    expect(ada.ear.peers()).toEqual({ [ada.peer]: { name: 'ada' }, [bob.peer]: { name: 'bob' } })
    expect(bob.ear.peers()).toEqual(ada.ear.peers())
    await bob.announce(service, { editing: 'milk' })
    await clock.pass(200)
    expect(ada.ear.peers()[bob.peer]).toEqual({ editing: 'milk' })
    bob.ear.connection.close()
    await clock.pass(1500)
    expect(ada.ear.peers()[bob.peer]).toEqual({ editing: 'milk' })
    await clock.pass(2000)
    expect(ada.ear.peers()).toEqual({ [ada.peer]: { name: 'ada' } })
    expect(service.usage.peers).toBe(1)
  })

  test('shows nobody who only looks, until they do something', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const ada = await enter(service, 'ada', null)
    const bob = await enter(service, 'bob', null)
    await clock.pass(200)
    expect(ada.ear.peers()).toEqual({})
    await bob.announce(service, { here: true })
    await clock.pass(200)
    expect(ada.ear.peers()).toEqual({ [bob.peer]: { here: true } })
    await bob.announce(service, null)
    await clock.pass(200)
    expect(ada.ear.peers()).toEqual({})
  })

  test('shows each tab that shares a connection, to the others and to one another', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const ada = await enter(service, 'ada')
    const tabs = [1, 2, 3].map((tab) => new Page('bob', { tab }))
    const [one, two, three] = tabs.map(({ token, state }) => {
      return { token, sequence: 1, models: { [KEY]: state } }
    })
    const [bob] = tabs as [Page]
    const shared = { presence: one!, peers: [two!, three!, two!] }
    const ear = await Ear.open(service, shared, bob.user)
    await clock.pass(200)
    const names = tabs.map(({ peer }) => peer)
    expect(ear.events[0]).toMatchObject({ peer: names[0], peers: [names[1], names[2], names[1]] })
    const all = { [ada.peer]: { name: 'ada' }, ...states(tabs) }
    expect(ear.peers()).toEqual(all)
    expect(ada.ear.peers()).toEqual(all)
    ear.clear()
    await tabs[1]!.announce(service, { tab: 2, editing: 'milk' })
    await clock.pass(200)
    expect(ada.ear.peers()[tabs[1]!.peer]).toEqual({ tab: 2, editing: 'milk' })
    // Once, however many hear of it.
    expect(ear.all('presence')).toHaveLength(1)
    // The second is closed: a connection without it takes the place of the other.
    await Ear.open(service, { presence: one!, peers: [three!] }, bob.user)
    ear.connection.close()
    await clock.pass(4000)
    const left = { [ada.peer]: { name: 'ada' }, ...states([tabs[0]!, tabs[2]!]) }
    expect(ada.ear.peers()).toEqual(left)
    expect(service.usage.peers).toBe(3)
  })

  test('does not flicker when a page connects anew', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const [ada, bob] = [await enter(service, 'ada'), await enter(service, 'bob')]
    await clock.pass(200)
    ada.ear.clear()
    bob.ear.connection.close()
    await clock.pass(1000)
    await bob.connect(service)
    // And a new connection beside the old one, which then ends.
    const old = bob.ear
    await bob.connect(service)
    old.connection.close()
    await clock.pass(10_000)
    expect(ada.ear.all('presence')).toEqual([])
    expect(service.usage.peers).toBe(2)
  })

  test('believes what was said last, not what comes last', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const [ada, bob] = [await enter(service, 'ada'), await enter(service, 'bob')]
    const { token, user } = bob
    const say = (sequence: number, state: JsonObject | null) =>
      service.announce({ token, sequence, models: { [KEY]: state } }, user)
    await say(5, { step: 5 })
    await say(4, { step: 4 })
    await clock.pass(200)
    expect(ada.ear.peers()[bob.peer]).toEqual({ step: 5 })
    await say(7, null)
    await say(6, { step: 6 })
    await clock.pass(200)
    expect(ada.ear.peers()).not.toHaveProperty(bob.peer)
    await say(8, { step: 8 })
    await clock.pass(200)
    expect(ada.ear.peers()[bob.peer]).toEqual({ step: 8 })
  })

  test('lets nobody speak for another, and shows nobody what they could do it with', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const [ada, bob] = [await enter(service, 'ada'), await enter(service, 'bob')]
    await bob.announce(service, { forged: true }, { id: 'eve' })
    const eve = new Page('eve')
    const { ear } = Object.assign(eve, {
      ear: await Ear.open(
        service,
        { presence: { token: bob.token, sequence: 99, models: { [KEY]: { forged: true } } } },
        eve.user,
      ),
    })
    await clock.pass(200)
    expect(ada.ear.peers()[bob.peer]).toEqual({ name: 'bob' })
    // Nor make another leave by leaving, or stay by staying.
    ear.connection.close()
    await clock.pass(5000)
    expect(ada.ear.peers()[bob.peer]).toEqual({ name: 'bob' })
    const presence = { token: bob.token, sequence: 99, models: { [KEY]: { forged: true } } }
    await Ear.open(service, { presence }, eve.user)
    bob.ear.connection.close()
    await clock.pass(5000)
    expect(ada.ear.peers()).toEqual({ [ada.peer]: { name: 'ada' } })
    const heard = JSON.stringify([ada.ear.events, bob.ear.events, ear.events])
    for (const { token } of [ada, bob]) expect(heard).not.toContain(token)
  })

  test('shows nothing of a model to who may not read it, and takes nothing from them', async () => {
    const clock = new Clock()
    const service = serve(clock, { authorize: (user) => user?.id !== 'eve' })
    const ada = await enter(service, 'ada')
    const eve = await enter(service, 'eve')
    await ada.announce(service, { secret: true })
    expect(await codeOf(eve.announce(service, { loud: true }))).toBe('FORBIDDEN')
    await clock.pass(1000)
    expect(eve.ear.events.map(({ event }) => event)).toEqual(['ready', 'refused'])
    expect(Object.keys(ada.ear.peers())).toEqual([ada.peer])
  })

  test('is left by who may not read the model any more', async () => {
    const clock = new Clock()
    const refused = new Set<string>()
    const service = serve(clock, { authorize: (user) => !refused.has(user!.id) })
    const [ada, bob] = [await enter(service, 'ada'), await enter(service, 'bob')]
    await clock.pass(200)
    refused.add('bob')
    service.permissionsChanged({ userId: 'bob' })
    await clock.pass(200)
    bob.ear.clear()
    await ada.announce(service, { secret: true })
    await clock.pass(5000)
    expect(bob.ear.all('presence')).toEqual([])
    expect(Object.keys(ada.ear.peers())).toEqual([ada.peer])
  })

  test('tells who takes nothing for a while all of it afterwards, in pieces', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const slow = await enter(service, 'slow', null)
    await clock.pass(100)
    slow.ear.isFull = true
    const pages: Page[] = []
    for (let n = 0; n < 120; n += 1) {
      pages.push(await enter(service, `u${n}`, { n, text: 'x'.repeat(950) }))
    }
    await clock.pass(1000)
    for (const { ear } of pages.slice(0, 20)) ear.connection.close()
    await clock.pass(5000)
    for (const page of pages.slice(20, 30)) await page.announce(service, { n: 'changed' })
    await clock.pass(1000)
    const atOnce = slow.ear.bytes
    // It takes one thing at a time.
    for (let turn = 0; turn < 10; turn += 1) slow.ear.drip()
    slow.ear.drain()
    expect(slow.ear.peers()).toEqual(pages[119]!.ear.peers())
    expect(Object.keys(slow.ear.peers())).toHaveLength(100)
    expect(atOnce).toBeLessThan(80_000)
    for (const page of [slow, ...pages]) {
      for (const event of page.ear.events) {
        expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThanOrEqual(66_000)
      }
    }
  })

  test('forgets who left also for those who were not told, and shows them all anew', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const slow = await enter(service, 'slow', null)
    const stays = await enter(service, 'stays')
    const leaves = Array.from({ length: 3 }, () => new Page('leaves'))
    for (const page of leaves) await page.connect(service)
    await clock.pass(1000)
    expect(Object.keys(slow.ear.peers())).toHaveLength(4)
    slow.ear.isFull = true
    for (const page of leaves) page.ear.connection.close()
    // Somebody who comes and goes all the time.
    for (let round = 0; round < 3; round += 1) {
      const crowd = Array.from({ length: 300 }, (_, n) => new Page(`c${n}`))
      for (const page of crowd) await page.connect(service)
      for (const page of crowd) page.ear.connection.close()
      await clock.pass(5000)
    }
    slow.ear.drain()
    slow.ear.drain()
    expect(slow.ear.peers()).toEqual({ [stays.peer]: { name: 'stays' } })
  }, 120_000)

  test('keeps to 500 at a model, and to what it may take', async () => {
    const clock = new Clock()
    const service = serve(clock)
    for (let n = 0; n < 510; n += 1) await enter(service, `u${n}`)
    expect(service.usage.peers).toBe(500)
  })
})

describe('several servers', () => {
  function serveMany(count: number) {
    const [clock, post] = [new Clock(), new Post()]
    const store = post.wrap(memoryStore())
    const services = Array.from({ length: count }, () => serve(clock, { store }))
    return { clock, post, services }
  }

  test('show each other who is there, also to who comes later', async () => {
    const { clock, services } = serveMany(2)
    const [here, there] = services as [FlushoutService, FlushoutService]
    const ada = await enter(here, 'ada')
    // Until now nobody listened there.
    const bob = await enter(there, 'bob')
    await clock.pass(200)
    const both = { [ada.peer]: { name: 'ada' }, [bob.peer]: { name: 'bob' } }
    expect(ada.ear.peers()).toEqual(both)
    expect(bob.ear.peers()).toEqual(both)
    ada.ear.connection.close()
    await clock.pass(4000)
    expect(bob.ear.peers()).toEqual({ [bob.peer]: { name: 'bob' } })
  })

  test('take what somebody does from whichever server is told of it', async () => {
    const { clock, services } = serveMany(3)
    const [here, there, nowhere] = services as [FlushoutService, FlushoutService, FlushoutService]
    const ada = await enter(here, 'ada')
    const bob = await enter(there, 'bob', null)
    await clock.pass(200)
    const see = async (state: JsonObject | undefined) => {
      await clock.pass(300)
      expect(bob.ear.peers()[ada.peer]).toEqual(state)
      expect(ada.ear.peers()[ada.peer]).toEqual(state)
    }
    await ada.announce(there, { by: 'there' })
    await see({ by: 'there' })
    // One where nobody is connected at all.
    await ada.announce(nowhere, { by: 'nowhere' })
    await see({ by: 'nowhere' })
    await ada.announce(there, null)
    await see(undefined)
    await ada.announce(nowhere, { by: 'again' })
    await see({ by: 'again' })
    await ada.announce(there, { forged: true }, { id: 'eve' })
    await see({ by: 'again' })
    // What is repeated from time to time changes nothing.
    await clock.pass(90_000)
    await see({ by: 'again' })
  })

  test('drop who was connected to a server that is gone', async () => {
    const { clock, services } = serveMany(2)
    const [here, there] = services as [FlushoutService, FlushoutService]
    const ada = await enter(here, 'ada')
    const bob = await enter(there, 'bob')
    await clock.pass(200)
    // As if the process had ended: nothing more is heard of it.
    there.drain()
    await clock.pass(3000)
    expect(ada.ear.peers()).toHaveProperty(bob.peer)
    await clock.pass(20_000)
    expect(Object.keys(ada.ear.peers())).toEqual([ada.peer])
  })

  test('hand over who goes from one server to another without a flicker, for all to see', async () => {
    const { clock, post, services } = serveMany(3)
    const [here, there, third] = services as [FlushoutService, FlushoutService, FlushoutService]
    const onlookers = [
      await enter(here, 'x', null),
      await enter(there, 'y', null),
      await enter(third, 'z', null),
    ]
    const ada = await enter(here, 'ada')
    await clock.pass(200)
    for (const { ear } of onlookers) ear.clear()
    const gone = () =>
      onlookers.flatMap(({ ear }) =>
        ear.all('presence').filter(({ peers }) => Object.values(peers).includes(null)),
      )
    // To and fro, the new connection first, as clients do.
    for (const service of [there, here, third, there, here]) {
      const old = ada.ear
      await ada.connect(service)
      await clock.pass(service === third ? 0 : 100)
      // Whatever else would have to be said about it is lost.
      post.isMuted = true
      old.connection.close()
      await clock.pass(4000)
      post.isMuted = false
    }
    // The new one may also be what ends.
    const stays = ada.ear
    await ada.connect(there)
    await clock.pass(100)
    ada.ear.connection.close()
    await clock.pass(100_000)
    expect(gone()).toEqual([])
    expect(stays.isEnded).toBe(false)
    stays.connection.close()
    await clock.pass(5000)
    expect(gone()).toHaveLength(3)
  })

  test('see them go who close both of two connections', async () => {
    const { clock, services } = serveMany(3)
    const [here, there, third] = services as [FlushoutService, FlushoutService, FlushoutService]
    const bob = await enter(third, 'bob', null)
    for (const [apartMs, togetherMs] of [
      [0, 200],
      [100, 200],
      // Long enough for both to say that they are there.
      [0, 40_000],
      [100, 40_000],
      [3000, 40_000],
    ] as const) {
      const ada = await enter(here, 'ada')
      await clock.pass(200)
      const first = ada.ear
      await ada.connect(there)
      await clock.pass(200)
      await clock.pass(togetherMs)
      expect(bob.ear.peers()).toHaveProperty(ada.peer)
      first.connection.close()
      if (apartMs > 0) await clock.pass(apartMs)
      ada.ear.connection.close()
      await clock.pass(6000)
      expect(bob.ear.peers()).toEqual({})
    }
    expect(services.map(({ usage }) => usage.peers)).toEqual([0, 0, 0])
  })

  test('see them go also if one did not hear that the other had let go', async () => {
    const { clock, post, services } = serveMany(3)
    const [here, there, third] = services as [FlushoutService, FlushoutService, FlushoutService]
    const bob = await enter(third, 'bob', null)
    // Else nobody listens there any more, and it is dropped as if it were gone.
    const other = await Ear.open(there, {})
    const ada = await enter(here, 'ada')
    const first = ada.ear
    await ada.connect(there)
    await clock.pass(200)
    post.isMuted = true
    ada.ear.connection.close()
    await clock.pass(4000)
    post.isMuted = false
    expect(bob.ear.peers()).toHaveProperty(ada.peer)
    first.connection.close()
    await clock.pass(6000)
    expect(bob.ear.peers()).toEqual({})
    expect(services.map(({ usage }) => usage.peers)).toEqual([0, 0, 0])
    expect(other.isEnded).toBe(false)
  })

  test('keep who goes on at one, though the other did not hear of that and tells news of them', async () => {
    const { clock, post, services } = serveMany(3)
    const [here, there, third] = services as [FlushoutService, FlushoutService, FlushoutService]
    const bob = await enter(third, 'bob', null)
    const other = await Ear.open(here, {})
    const ada = await enter(here, 'ada')
    const first = ada.ear
    await clock.pass(200)
    post.isMuted = true
    await ada.connect(there)
    post.isMuted = false
    await ada.announce(here, { later: true })
    await clock.pass(200)
    bob.ear.clear()
    first.connection.close()
    await clock.pass(6000)
    expect(bob.ear.all('presence')).toEqual([])
    expect(ada.ear.peers()[ada.peer]).toEqual({ later: true })
    ada.ear.connection.close()
    await clock.pass(6000)
    expect(bob.ear.peers()).toEqual({})
    expect(services.map(({ usage }) => usage.peers)).toEqual([0, 0, 0])
    expect(other.isEnded).toBe(false)
  })

  test('do not tell each other without end of somebody who does nothing at two of them', async () => {
    const { clock, post, services } = serveMany(3)
    const [here, there, third] = services as [FlushoutService, FlushoutService, FlushoutService]
    const bob = await enter(third, 'bob', null)
    const ada = await enter(here, 'ada')
    await clock.pass(200)
    await ada.connect(there)
    await clock.pass(200)
    expect(bob.ear.peers()).toHaveProperty(ada.peer)
    post.sent = 0
    post.limit = 100
    await ada.announce(third, null)
    await clock.pass(1000)
    expect(bob.ear.peers()).toEqual({})
    expect(post.sent).toBeLessThan(10)
  })

  test('know each other again after notices were lost', async () => {
    const { clock, post, services } = serveMany(2)
    const [here, there] = services as [FlushoutService, FlushoutService]
    const ada = await enter(here, 'ada')
    const bob = await enter(there, 'bob')
    post.isMuted = true
    await ada.announce(here, { later: true })
    await clock.pass(2000)
    post.isMuted = false
    await clock.pass(40_000)
    expect(bob.ear.peers()[ada.peer]).toEqual({ later: true })
    expect(ada.ear.peers()).toHaveProperty(bob.peer)
  })
})

test('leaves no timer behind, however it ends', async () => {
  const clock = new Clock()
  const service = createTestService({ environment: clock.environment })
  onTestFinished(() => service.close())
  const ada = await enter(service, 'ada')
  await enter(service, 'bob')
  await ada.announce(service, { busy: true })
  expect(clock.timers).toBeGreaterThan(0)
  service.drain()
  await settle()
  expect(clock.timers).toBe(0)
  expect(service.usage.peers).toBe(0)
})
