import { fastifyOptions, flushout, memoryStore } from '@flushout/server'
import serveFiles from '@fastify/static'
import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect } from 'vitest'
import { todoList } from '../../examples/todo/src/todo-list.ts'
import { eventually } from './support/eventually.ts'
import { liveTest, type LiveWorld } from './support/live-world.ts'

/** Who may not use which list at the moment. */
const banned = new Set<string>()

const test = liveTest(serveGuarded)

function serveGuarded(app: string): FastifyInstance {
  const server = Fastify(fastifyOptions)
  server.register(flushout, {
    store: memoryStore(),
    user: ({ headers }) => ({ id: String(headers['x-user']) }),
    authorize: (user, _action, key) => !banned.has(`${user?.id} ${key}`),
    models: [todoList],
    live: { heartbeatMs: 3_000 },
  })
  server.register(serveFiles, { root: app, index: false })
  server.get('/lists/:list', (_request, reply) => reply.sendFile('index.html'))
  return server
}

describe.concurrent('who may not use a list any more', () => {
  async function meet(live: LiveWorld) {
    live.mayComplain(
      'Failed to load resource: the server responded with a status of 403 (Forbidden)',
    )
    const middleman = await live.middleman()
    const open = (user: string) =>
      live.open({ at: middleman.address, extraHTTPHeaders: { 'x-user': user } })
    const [ada, bob] = await Promise.all([open('ada'), open('bob')])
    await Promise.all([ada.isSettled(), bob.isSettled()])
    await ada.a.add('Milk')
    await bob.a.shows('Milk')
    await bob.forgetNotes()
    return { middleman, ada, bob, ban: `ada todos:${live.list}` }
  }

  test('is told and hears nothing of it, and the other goes on; all of it comes when they may again', async ({
    live,
  }) => {
    const { middleman, ada, bob, ban } = await meet(live)
    banned.add(ban)
    live.server.flushout.permissionsChanged({ userId: 'ada' })
    await ada.is('refused')
    const heardBefore = middleman.passedTo('ada').length
    const heard = () => middleman.passedTo('ada').slice(heardBefore)
    await bob.a.add('Secret')
    await bob.b.shows('Milk', 'Secret')
    await ada.a.add('Bread')
    // The stream goes on, with nothing in it.
    await eventually(() => heard().includes('"event":"heads"'), true)
    expect(heard()).toContain('"event":"heads","heads":{}')
    expect(heard()).not.toMatch(/Secret|"event":"(updates|presence|model)"/)
    expect(heard()).not.toContain(live.list)
    await ada.a.lost.filter({ hasText: 'Bread' }).waitFor()
    await bob.is('live')

    banned.delete(ban)
    await ada.waitsUntil('live')
    for (const panel of [ada.a, ada.b]) await panel.shows('Milk', 'Secret')
    await ada.a.button('Try again').click()
    for (const panel of [ada.a, ada.b, bob.a, bob.b]) await panel.shows('Milk', 'Secret', 'Bread')
    await ada.isSettled()
    expect(await bob.states('A')).toEqual(['live'])
  })

  test('is found out though nobody says that permissions are others', async ({ live }) => {
    const { middleman, ada, bob, ban } = await meet(live)
    banned.add(ban)
    await ada.is('refused')
    await bob.a.add('Secret')
    await bob.b.shows('Milk', 'Secret')
    await bob.is('live')
    expect(middleman.passedTo('ada')).not.toContain('Secret')
  })
})
