// What a stream hears ends with the permission to hear it.
import type { User } from '@flushout/core'
import { memoryStore, type FlushoutService } from '@flushout/server'
import { describe, expect, test } from 'vitest'
import { Clock, Ear, Post, serve, settle } from './support/live-world.ts'
import { codeOf, KEY, Writer } from './support/world.ts'

const ADA: User = { id: 'ada' }
const BOB: User = { id: 'bob' }
const OTHER = 'todos:other'

/** Who may not do what, as `ada read todos:groceries`; nobody else is refused. */
function createRules() {
  const refused = new Set<string>()
  return {
    refused,
    authorize: (user: User | undefined, action: string, key: string) =>
      !refused.has(`${user?.id ?? 'nobody'} ${action} ${key}`),
  }
}

/** The server itself, which may do everything. */
async function write(service: FlushoutService, key = KEY) {
  const writer = new Writer(service, crypto.randomUUID(), { key, user: { id: 'system' } })
  await writer.add(writer.clientId)
}

const models = { [KEY]: null, [OTHER]: null }
const feeds = [{ models: 'todos:*', path: ['todos'] }]

/** What names a model, in all that a stream heard. */
function mentions(ear: Ear, key: string): string[] {
  return ear.events
    .filter((event) => event.event !== 'refused' && JSON.stringify(event).includes(`"${key}"`))
    .map(({ event }) => event)
}

describe('without the permission to read', () => {
  test('nothing at all is heard of a model, not even how far it is', async () => {
    const { authorize, refused } = createRules()
    const clock = new Clock()
    const service = serve(clock, { authorize })
    refused.add(`ada read ${KEY}`)
    await write(service)
    const presence = { token: 'ada-token', sequence: 1, models: { [KEY]: {} } }
    const ear = await Ear.open(service, { models, feeds, presence }, ADA)
    await write(service)
    await service.models.configure(KEY, { title: 'x' })
    await clock.pass(41_000)
    await service.models.delete(KEY)
    await settle()
    expect(mentions(ear, KEY)).toEqual([])
    expect(ear.all('refused')).toMatchObject([
      { models: KEY, code: 'FORBIDDEN', retry: 'never' },
      { models: KEY, code: 'FORBIDDEN' },
    ])
    // The others are followed all the same.
    await write(service, OTHER)
    expect(ear.all('updates').map(({ key }) => key)).toEqual([OTHER])
  })

  test('a model that is not there looks as one that may not be read', async () => {
    const { authorize, refused } = createRules()
    const service = serve(new Clock(), { authorize, models: [{ pattern: 'todos:*' }] })
    await service.models.create(KEY)
    for (const key of [KEY, OTHER]) refused.add(`ada read ${key}`)
    const told = async (key: string) => {
      const ear = await Ear.open(service, { models: { [key]: { from: 0, hash: 'x' } } }, ADA)
      return ear.all('refused').map(({ code, message, retry }) => ({ code, message, retry }))
    }
    expect(await told(KEY)).toEqual(await told(OTHER))
  })

  test('keys that no kind of model fits, and such as nobody may have, are refused', async () => {
    const service = serve(new Clock())
    const keys = ['other:kind', '', 'todos:\u0000', 'x'.repeat(300), '__proto__']
    const ear = await Ear.open(service, {
      models: Object.fromEntries(keys.map((key) => [key, null])),
    })
    expect(new Set(ear.all('refused').map((event) => event.models))).toEqual(new Set(keys))
    expect(service.usage.channels).toBe(0)
  })

  test('somebody who is not logged in is told so', async () => {
    const service = serve(new Clock(), { authorize: (user) => user !== undefined })
    const ear = await Ear.open(service, { models: { [KEY]: null } })
    expect(ear.all('refused')).toMatchObject([{ code: 'UNAUTHENTICATED', retry: 'after-auth' }])
  })
})

describe('a permission that is taken away', () => {
  test('ends what is heard of that model with the next heartbeat, for that user alone', async () => {
    const { authorize, refused } = createRules()
    const clock = new Clock()
    const service = serve(clock, { authorize })
    const [ada, bob] = [
      await Ear.open(service, { models, feeds }, ADA),
      await Ear.open(service, { models, feeds }, BOB),
    ]
    refused.add(`ada read ${KEY}`)
    await clock.pass(21_000)
    ada.clear()
    await write(service)
    await write(service, OTHER)
    await clock.pass(60_000)
    expect(mentions(ada, KEY)).toEqual([])
    expect(ada.all('updates').map(({ key }) => key)).toEqual([OTHER])
    expect(bob.all('updates').map(({ key }) => key)).toEqual([KEY, OTHER])
    expect(bob.all('refused')).toEqual([])
  })

  test.each([{ userId: 'ada' }, { key: KEY }, { userId: 'ada', key: KEY }, {}])(
    'ends it at once when the application says so: %o',
    async (whose) => {
      const { authorize, refused } = createRules()
      const service = serve(new Clock(), { authorize })
      const [ada, bob] = [
        await Ear.open(service, { models }, ADA),
        await Ear.open(service, { models }, BOB),
      ]
      refused.add(`ada read ${KEY}`)
      service.permissionsChanged(whose)
      await settle()
      expect(ada.all('refused')).toMatchObject([{ models: KEY, code: 'FORBIDDEN' }])
      expect(bob.all('refused')).toEqual([])
      await write(service)
      expect(ada.all('updates')).toEqual([])
      expect(bob.all('updates')).toHaveLength(1)
    },
  )

  test('is not asked again for those whom the application does not mean', async () => {
    const asked: string[] = []
    const service = serve(new Clock(), {
      authorize: (user, _action, key) => asked.push(`${user?.id ?? ''} ${key}`) > 0,
    })
    await Ear.open(service, { models: { [KEY]: null } }, ADA)
    await Ear.open(service, { models: { [OTHER]: null } }, BOB)
    asked.length = 0
    service.permissionsChanged({ userId: 'bob', key: KEY })
    await settle()
    expect(asked).toEqual([])
    service.permissionsChanged({ key: OTHER })
    await settle()
    expect(asked).toEqual([`bob ${OTHER}`])
  })

  test('ends it on other servers too', async () => {
    const { authorize, refused } = createRules()
    const [clock, post] = [new Clock(), new Post()]
    const store = post.wrap(memoryStore())
    const [here, there] = [serve(clock, { authorize, store }), serve(clock, { authorize, store })]
    const ada = await Ear.open(here, { models }, ADA)
    refused.add(`ada read ${KEY}`)
    there.permissionsChanged({ userId: 'ada' })
    await clock.pass(0)
    await write(there)
    await clock.pass(0)
    expect(ada.all('refused')).toMatchObject([{ models: KEY }])
    expect(ada.all('updates')).toEqual([])
  })

  test('ends it at once when it shows by a request that is refused', async () => {
    const { authorize, refused } = createRules()
    const service = serve(new Clock(), { authorize })
    const ears = [
      await Ear.open(service, { models }, ADA),
      await Ear.open(service, { models }, ADA),
      await Ear.open(service, { models }, BOB),
    ]
    for (const action of ['read', 'write']) refused.add(`ada ${action} ${KEY}`)
    const writer = new Writer(service, 'ada-1', { user: ADA })
    expect(await codeOf(writer.add('x'))).toBe('FORBIDDEN')
    await settle()
    expect(ears.map((ear) => ear.all('refused').length)).toEqual([1, 1, 0])
    await write(service)
    expect(ears.map((ear) => ear.all('updates').length)).toEqual([0, 0, 1])
  })

  test('to write leaves reading as it is', async () => {
    const { authorize, refused } = createRules()
    const service = serve(new Clock(), { authorize })
    const ada = await Ear.open(service, { models }, ADA)
    refused.add(`ada write ${KEY}`)
    expect(await codeOf(new Writer(service, 'ada-1', { user: ADA }).add('x'))).toBe('FORBIDDEN')
    await settle()
    await write(service)
    expect(ada.all('refused')).toEqual([])
    expect(ada.all('updates')).toHaveLength(1)
  })

  test('ends it also for a stream that is just coming', async () => {
    const refused = new Set<string>()
    const asked: (() => void)[] = []
    const service = serve(new Clock(), {
      authorize: async (user, _action, key) => {
        const isAllowed = user?.id !== 'ada' || !refused.has(key)
        // Permissions take a while to be looked up.
        if (user?.id === 'ada') await new Promise<void>((resolve) => asked.push(resolve))
        return isAllowed
      },
    })
    await write(service)
    const ear = Ear.begin(service, { models: { [KEY]: null } }, ADA)
    await settle()
    refused.add(KEY)
    service.permissionsChanged({ userId: 'ada' })
    await settle()
    for (const answer of asked.splice(0)) answer()
    await settle()
    for (const answer of asked.splice(0)) answer()
    await settle()
    ear.clear()
    service.permissionsChanged({ userId: 'ada' })
    await settle()
    for (const answer of asked.splice(0)) answer()
    await settle()
    await write(service)
    expect(ear.all('updates')).toEqual([])
  })
})

describe('who is connected', () => {
  test('is asked at each heartbeat: who logged out hears nothing more', async () => {
    const clock = new Clock()
    const service = serve(clock, { authorize: (user) => user !== undefined })
    const ear = await Ear.open(service, { models, feeds }, ADA)
    await write(service)
    ear.user = undefined
    await clock.pass(21_000)
    expect(new Set(ear.all('refused').map(({ code }) => code))).toEqual(
      new Set(['UNAUTHENTICATED']),
    )
    ear.clear()
    await write(service)
    await write(service, OTHER)
    await clock.pass(60_000)
    expect(mentions(ear, KEY)).toEqual([])
    expect(mentions(ear, OTHER)).toEqual([])
  })

  test.each(['now', 'at a heartbeat'])(
    'ends the connection if that cannot be told %s',
    async (when) => {
      const clock = new Clock()
      const service = serve(clock)
      const fail = async () => {
        throw new Error('No sessions.')
      }
      const ear = Ear.begin(service, { models }, ADA, when === 'now' ? fail : undefined)
      await ear.connection.started
      ear.identify = fail
      await clock.pass(21_000)
      expect(ear.isEnded).toBe(true)
      await write(service)
      if (when === 'now') expect(ear.events.map(({ event }) => event)).toEqual(['ready'])
      expect(service.usage).toMatchObject({ streams: 0, channels: 0 })
    },
  )

  test.each(['at once', 'at a heartbeat', 'for those who are shown'])(
    'is sent away if their permissions cannot be told %s',
    async (when) => {
      const clock = new Clock()
      let isBroken = when !== 'at a heartbeat'
      const service = serve(clock, {
        authorize: (user) => {
          if (isBroken && user) throw new Error('No permissions.')
          return true
        },
      })
      const request =
        when === 'for those who are shown'
          ? { presence: { token: 'ada-token', sequence: 1, models: { [KEY]: {} } } }
          : { models }
      const ear = await Ear.open(service, request, ADA)
      isBroken = true
      await clock.pass(21_000)
      expect(ear.isEnded).toBe(true)
      const told = ear.events.length
      isBroken = false
      await write(service)
      expect(ear.events.length).toBe(told)
      expect(service.usage).toMatchObject({ streams: 0, channels: 0, peers: 0 })
    },
  )
})
