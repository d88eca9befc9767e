// One definition on both sides of a wire: what the browser refuses at once, the server
// refuses from whoever goes round the browser, in the same words.
import { createClient, directTransport, type Interceptor } from '@flushout/client'
import { createTestEnvironment } from '@flushout/client/testing'
import { PROTOCOL, type Command, type Flush } from '@flushout/core'
import { defineModel } from '@flushout/core/define'
import { allowAnyone, createService, memoryStore } from '@flushout/server'
import * as v from 'valibot'
import { expect, onTestFinished, test } from 'vitest'

const KEY = 'lists:groceries'

const schema = v.object({
  name: v.string(),
  items: v.record(
    v.string(),
    v.object({
      text: v.pipe(v.string(), v.minLength(1, 'Write something first.')),
      at: v.optional(v.number()),
    }),
  ),
})

const noShouting: Interceptor = (_document, command) => {
  const { text } = ('props' in command && command.props) || {}
  if (typeof text !== 'string' || text !== text.toUpperCase()) return
  return { reject: { code: 'SHOUTED', message: 'Do not shout.' } }
}

const trim: Interceptor = (_document, command) => {
  const { text } = ('props' in command && command.props) || {}
  if (command.action === 'create' && typeof text === 'string' && text !== text.trim()) {
    return { props: { ...command.props, text: text.trim() } }
  }
}

const stamp: Interceptor = (_document, command, { side, now }) => {
  if (side === 'master' && command.action === 'create') {
    return { props: { ...command.props, at: now } }
  }
}

const list = defineModel({
  pattern: 'lists:$name',
  schema,
  initial: ({ name }) => ({ name, items: {} }),
  intercept: [trim, noShouting, stamp],
})

function serve() {
  const service = createService({ store: memoryStore(), authorize: allowAnyone, models: [list] })
  onTestFinished(() => service.close())
  return service
}

function forge(service: ReturnType<typeof serve>, command: Command) {
  const sender = { clientId: 'mallory', sequence: 1, from: 0, hash: '' }
  return service.flush(KEY, { protocol: PROTOCOL, ...sender, commands: [command] })
}

async function open(service: ReturnType<typeof serve>) {
  const client = createClient({
    transport: directTransport(service),
    environment: createTestEnvironment(),
    flush: { mode: 'manual' },
    models: [list],
  })
  onTestFinished(() => client.close())
  const model = client.model<v.InferInput<typeof schema>>(KEY)
  await model.ready
  return { client, model }
}

test('a model begins with the document that its definition makes from its key', async () => {
  const { model } = await open(serve())
  expect(model.read()).toEqual({ name: 'groceries', items: {} })
})

test('a rule refuses in the browser at once, and the forged flush in the same words', async () => {
  const service = serve()
  const { model } = await open(service)
  const { rejection } = model.create(['items'], { text: 'MILK' })
  expect(rejection).toMatchObject({ code: 'SHOUTED', message: 'Do not shout.' })
  expect(model.status.queued).toBe(0)

  const command: Command = { action: 'create', path: ['items'], id: 'x', props: { text: 'MILK' } }
  const { verdicts, commandCount } = await forge(service, command)
  expect(verdicts).toMatchObject([{ kind: 'rejected', rejection: { message: 'Do not shout.' } }])
  expect(commandCount).toBe(0)
})

test('what the schema does not allow is refused on both sides in its own words', async () => {
  const service = serve()
  const { model } = await open(service)
  const { id, rejection } = model.create(['items'], { text: '' })
  const told = { code: 'SCHEMA_INVALID', message: 'Write something first.' }
  expect(rejection).toEqual({ ...told, at: ['items', id, 'text'] })
  expect(model.status.queued).toBe(0)

  const command: Command = { action: 'create', path: ['items'], id, props: { text: '' } }
  const { verdicts } = await forge(service, command)
  expect(verdicts).toMatchObject([{ kind: 'rejected', rejection }])
})

test('each rule sees what the one before it made of a command, on both sides', async () => {
  const service = serve()
  const { model } = await open(service)
  expect(model.create(['items'], { text: ' MILK ' }).rejection?.code).toBe('SHOUTED')
  const { id } = model.create(['items'], { text: ' Milk ' })
  expect(model.read(['items', id])).toEqual({ text: 'Milk' })
  await model.flush()
  expect(model.read(['items', id])).toEqual({ text: 'Milk', at: expect.any(Number) })
})

test('a model of another kind has other rules', async () => {
  const service = createService({
    store: memoryStore(),
    authorize: allowAnyone,
    models: [list, { pattern: 'notes:*', initial: {} }],
  })
  onTestFinished(() => service.close())
  const { client } = await open(service)
  const notes = client.model('notes:1')
  await notes.ready
  expect(notes.create([], { text: 'MILK' }).ok).toBe(true)
})

test('a server knows no local model, whatever is sent to it', async () => {
  const ui = defineModel({ pattern: 'ui:$list', local: true, initial: { filter: '' } })
  const service = createService({
    store: memoryStore(),
    authorize: allowAnyone,
    models: [ui, { pattern: '*:*', initial: {} }],
  })
  onTestFinished(() => service.close())
  const flush: Flush = {
    protocol: PROTOCOL,
    clientId: 'a',
    sequence: 1,
    from: 0,
    hash: '',
    commands: [],
  }
  for (const ask of [() => service.snapshot('ui:x'), () => service.flush('ui:x', flush)]) {
    await expect(ask()).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  }
})
