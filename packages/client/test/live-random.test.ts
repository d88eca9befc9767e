import type { Client, Model } from '@flushout/client'
import {
  createTestServer,
  type TestEnvironment,
  type TestNetwork,
  type TestServer,
} from '@flushout/client/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { join } from './support/play.ts'

const KEYS = ['todos:groceries', 'todos:tools']

/** A client with two lists. */
interface Peer {
  readonly client: Client
  readonly environment: TestEnvironment
  readonly network: TestNetwork
  readonly models: readonly Model[]
  readonly leave: (() => void)[]
}

type Step = (peer: Peer, server: TestServer) => void | Promise<void>

const STEPS: Readonly<Record<string, Step>> = {
  edit: ({ models: [model] }) => {
    if (model!.isLoaded) model!.create(['todos'], { text: 'Milk' })
  },
  'edit the other': ({ models: [, model] }) => {
    if (model!.isLoaded) model!.create(['todos'], { text: 'Hammer' })
  },
  flush: ({ client }) => client.flush(),
  watch: ({ models, leave }) => void leave.push(models[1]!.watch()),
  leave: ({ leave }) => leave.pop()?.(),
  cut: ({ network }) => network.cut(),
  mute: ({ network }) => network.mute(),
  block: ({ network }) => network.blockStreams(),
  drop: ({ network }) => network.dropRequests(),
  'drop an answer': ({ network }) => network.dropAnswers(1),
  'log out': ({ network }) => network.refuse('UNAUTHENTICATED'),
  heal: ({ network }) => network.heal(),
  pause: ({ client }) => client.pause(),
  resume: ({ client }) => client.resume(),
  manual: ({ client }) => void (client.flushMode = 'manual'),
  auto: ({ client }) => void (client.flushMode = 'auto'),
  hide: ({ environment }) => environment.hide(),
  wake: ({ environment }) => environment.wake(),
  'a moment': ({ environment }) => environment.advance(30),
  'a while': ({ environment }) => environment.advance(3_000),
  long: ({ environment }) => environment.advance(45_000),
  beat: (_peer, server) => server.hub.beat(),
  bye: (_peer, server) => server.hub.end(500),
  end: (_peer, server) => server.hub.end(),
  forbid: (_peer, server) => server.refuse(KEYS[1]!, 'FORBIDDEN'),
  allow: (_peer, server) => server.refuse(KEYS[1]!),
}

const scripts = fc.array(fc.tuple(fc.nat({ max: 1 }), fc.constantFrom(...Object.keys(STEPS))), {
  maxLength: 40,
})

test('after any script all are live and in step, with one stream each and nothing left over', () =>
  fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const documents = Object.fromEntries(KEYS.map((key) => [key, { todos: {} }]))
      const server = createTestServer(documents, { heartbeatMs: 20_000 })
      const peers = ['ada', 'bob'].map((name): Peer => {
        const { client, environment, network } = join(server, { name })
        const models = KEYS.map((key) => client.model(key))
        const leave = models.map((model) => model.watch())
        for (const model of models) void model.ready
        return { client, environment, network, models, leave }
      })
      for (const [index, name] of script) await STEPS[name]!(peers[index]!, server)

      for (const { client, environment, network, models } of peers) {
        network.heal()
        client.flushMode = 'auto'
        for (const model of models) model.watch()
        server.refuse(KEYS[1]!)
        if (environment.isHidden()) await environment.wake()
        const wasLoggedOut = script.some(([, step]) => step === 'log out')
        const isLoaded = models.every((model) => model.isLoaded)
        if (client.isPaused || wasLoggedOut || !isLoaded) client.resume()
      }
      for (let count = 0; count < 12; count += 1) {
        for (const { environment } of peers) await environment.advance(15_000)
        server.hub.beat()
      }
      for (const { environment } of peers) await environment.advance(1_000)

      for (const { network, models } of peers) {
        expect(network.streams).toHaveLength(1)
        for (const model of models) {
          const { commandCount } = server.master(model.key)
          expect(model.status).toMatchObject({ state: 'live', queued: 0, inFlight: 0 })
          expect(model.status.confirmed).toBe(commandCount)
          expect(model.read()).toEqual(server.snapshot(model.key).document)
        }
      }
      expect(server.hub.open).toBe(2)
      const asked = peers.map(({ network }) => network.flushes.length)
      for (const { environment } of peers) await environment.advance(15_000)
      expect(peers.map(({ network }) => network.flushes.length)).toEqual(asked)
      for (const { client, environment } of peers) {
        client.close()
        await environment.settle()
        expect(environment.timers).toBe(0)
      }
      expect(server.hub.open).toBe(0)
    }),
    { numRuns: Number(process.env['RUNS'] ?? 60) },
  ))
