import { allowAnyone, fastifyOptions, flushout, memoryStore } from '@flushout/server'
import Fastify from 'fastify'
import { expect, test } from 'vitest'

test('thin', async () => {
  await using app = Fastify({ ...fastifyOptions })
  await app.register(flushout, { store: memoryStore(), authorize: allowAnyone, models: [{ pattern: 'todos:*', initial: { todos: {} } }] })
  const address = await app.listen({ port: 0 })
  const snap = await (await fetch(`${address}/flushout/models/todos:a`)).json() as { hash: string }
  expect(snap).toMatchObject({ commandCount: 0, document: { todos: {} } })
  const post = (body: unknown) => fetch(`${address}/flushout/models/todos:a/flush`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const flush = { protocol: 1, clientId: 'c', sequence: 1, from: 0, hash: snap.hash, commands: [{ action: 'create', path: ['todos'], id: 'a', props: { text: 'milk' } }] }
  const a = await (await post(flush)).json()
  expect(a).toMatchObject({ outcome: 'applied', commandCount: 1, sync: { kind: 'none' } })
  const b = await (await post(flush)).json()
  expect(b).toMatchObject({ outcome: 'repeated', commandCount: 1, sync: { kind: 'none' } })
  const r = await post({ ...flush, commands: [{ action: 'create', foo: 1 }] })
  expect(r.status).toBe(400)
  expect(await r.json()).toMatchObject({ code: 'FLUSH_INVALID', message: 'At "/commands/0/foo": must NOT have additional properties.' })
})
