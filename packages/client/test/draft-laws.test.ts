// Whatever happens in a model, its draft shows the same document with its own edits on top.
import { createClient, directTransport } from '@flushout/client'
import {
  createTestEnvironment,
  createTestNetwork,
  createTestServer,
} from '@flushout/client/testing'
import { CommandProxy, type Command, type JsonObject, type JsonValue } from '@flushout/core'
import { createTestIds } from '@flushout/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const KEY = 'todos'
const runs = { numRuns: Number(process.env['RUNS'] ?? 150) }

function join(server: ReturnType<typeof createTestServer>, seed: string) {
  const environment = createTestEnvironment({ seed })
  const network = createTestNetwork(directTransport(server))
  const client = createClient({ transport: network, environment })
  const model = client.model(KEY)
  model.subscribe(() => {})
  return { environment, network, client, model }
}

/** `document` with `edits` on top, as far as they apply. */
function onTop(document: JsonObject, edits: readonly Command[]): JsonObject {
  const snapshot = { commandCount: 0, hash: '', document }
  const proxy = new CommandProxy(snapshot, { createId: createTestIds('on-top'), now: () => 0 })
  for (const edit of edits) proxy.apply(edit)
  return proxy.read()
}

// Few keys, so that commands meet; some of them look like array indexes.
const key = fc.constantFrom('a', 'b', 'c', 'todos', '7', 't1', 't39')
const path = fc.oneof(
  fc.constantFrom<readonly string[]>([], ['todos']),
  fc.tuple(fc.constant('todos'), key),
  fc.array(key, { maxLength: 3 }),
)
const value = fc.constantFrom<JsonValue>(1, 'text', [1], null, {}, { a: 1 }, { b: { c: 2 } })
const props = fc.dictionary(key, value, { maxKeys: 2 })
const command = fc.oneof(
  fc.record({ action: fc.constant('update' as const), path, props }),
  fc.record({ action: fc.constant('update' as const), path, unset: fc.array(key) }),
  fc.record({ action: fc.constant('create' as const), path, id: key, props }),
  fc.record({ action: fc.constant('create' as const), path, props }),
  fc.record({ action: fc.constant('delete' as const), path }),
)

/** A node of so many children, which the engine holds in another form. */
function wide(count: number): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`t${n}`, { n }]))
}

const happening = fc.constantFrom(
  'listen',
  'stop',
  'flush',
  'lose requests',
  'lose answers',
  'heal',
  'time',
  'publish',
  'discard',
  'restore',
)
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ who: fc.constantFrom('draft', 'ada', 'bob'), command }) },
  { weight: 2, arbitrary: happening },
)
const start = fc.constantFrom<JsonObject>({ todos: {} }, { todos: wide(34), a: { b: 1 } })

test('after any script it is the model with its edits on top', async () => {
  await fc.assert(
    fc.asyncProperty(start, fc.array(step, { maxLength: 40 }), async (document, steps) => {
      const server = createTestServer({ [KEY]: document })
      const [ada, bob] = [join(server, 'ada'), join(server, 'bob')]
      for (const { environment } of [ada, bob]) await environment.advance(1_000)
      const draft = await ada.model.fork()
      let stop = () => {}
      for (const one of steps) {
        if (typeof one === 'object') {
          const targets = { draft, ada: ada.model, bob: bob.model }
          targets[one.who].apply(one.command)
        } else if (one === 'listen') {
          stop()
          let shown = JSON.stringify(draft.read())
          const unsubscribe = draft.subscribe(() => {
            shown = JSON.stringify(draft.read())
          })
          stop = () => {
            unsubscribe()
            stop = () => {}
            expect(shown).toBe(JSON.stringify(draft.read()))
          }
        } else if (one === 'stop') stop()
        else if (one === 'flush') await ada.model.flush()
        else if (one === 'lose requests') ada.network.dropRequests()
        else if (one === 'lose answers') ada.network.dropAnswers()
        else if (one === 'heal') ada.network.heal()
        else if (one === 'publish' || one === 'discard') draft[one]()
        else if (one === 'restore') server.restore(KEY, { todos: { a: { restored: true } } })
        else for (const { environment } of [ada, bob]) await environment.advance(1_000)
        expect(JSON.stringify(draft.read())).toBe(
          JSON.stringify(onTop(ada.model.read()!, draft.edits as readonly Command[])),
        )
      }
      stop()
      ada.network.heal()
      draft.publish()
      for (const { environment } of [ada, bob, ada]) await environment.advance(120_000)
      expect(ada.model.status).toMatchObject({ queued: 0, inFlight: 0 })
      expect(JSON.stringify(draft.read())).toBe(JSON.stringify(server.master(KEY).read()))
      for (const { client } of [ada, bob]) client.close()
    }),
    runs,
  )
}, 60_000)
