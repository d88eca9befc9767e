// The rules of the example are in one file: what the page says at once, the server says to
// whoever goes round the page.
import { createClient, httpTransport } from '@flushout/client'
import { createTestEnvironment } from '@flushout/client/testing'
import { PROTOCOL, type Command } from '@flushout/core'
import { memoryStore } from '@flushout/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createServer } from '../../examples/todo/src/server/server.ts'
import { todoList } from '../../examples/todo/src/todo-list.ts'

const server = createServer(memoryStore(), import.meta.dirname)
let url: string
beforeAll(async () => {
  url = `${await server.listen({ host: '127.0.0.1', port: 0 })}/flushout`
})
afterAll(() => server.close())

const create = (props: Extract<Command, { action: 'create' }>['props'] & object): Command => ({
  action: 'create',
  path: ['todos'],
  id: 'x',
  props,
})
const milk = { text: 'Milk', done: false }

test.each<[string, Command, RegExp]>([
  ['no text', create({ text: ' ', done: false }), /^Write something first\.$/],
  ['a long text', create({ text: 'x'.repeat(501), done: false }), /^At most 500 .* are 501\.$/],
  ['no tick', create({ text: 'Milk' }), /"done"/],
  ['a tick of another kind', create({ text: 'Milk', done: 'yes' }), /^Done must be true or false/],
  ['a prop that no todo has', create({ ...milk, isAdmin: true }), /"isAdmin"/],
  ['a node below a todo', { ...create(milk), path: ['todos', 'a'] }, /./],
  ['another list beside it', { action: 'create', id: 'x', props: {} }, /./],
  [
    'all todos at once',
    { action: 'update', props: { todos: {} } },
    /^This may not be changed: "todos"/,
  ],
  [
    'a time',
    { action: 'update', path: ['todos', 'a'], props: { createdAt: 0 } },
    /^This was set once/,
  ],
  ['the end of all', { action: 'delete', path: ['todos'] }, /./],
])('the page and the server refuse %s in the same words', async (_what, command, words) => {
  const key = `todos:${_what.replaceAll(' ', '-')}`
  const client = createClient({
    transport: httpTransport({ url }),
    environment: createTestEnvironment(),
    flush: { mode: 'manual' },
    models: [todoList],
  })
  const model = client.model(key)
  await model.ready
  model.create(['todos'], milk, { id: 'a' })
  await model.flush()
  const { rejection } = model.apply(command)
  client.close()
  expect(rejection?.message).toMatch(words)

  const response = await fetch(`${url}/models/${encodeURIComponent(key)}/flush`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      protocol: PROTOCOL,
      clientId: 'mallory',
      sequence: 1,
      from: 0,
      hash: '',
      commands: [command],
    }),
  })
  expect(await response.json()).toMatchObject({
    commandCount: 1,
    verdicts: [{ kind: 'rejected', rejection }],
  })
})
