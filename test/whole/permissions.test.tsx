// @vitest-environment happy-dom
// One function says who may do what: the page hides the button by it, and the server
// refuses whoever goes round the page, in the same words.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createClient, httpTransport, type Client } from '@flushout/client'
import { createTestEnvironment } from '@flushout/client/testing'
import { PROTOCOL, type Command, type JsonObject } from '@flushout/core'
import { defineModel } from '@flushout/core/define'
import { FlushoutProvider, useCan, useKeys, useModel } from '@flushout/react'
import { allowAnyone, fastifyOptions, flushout, memoryStore } from '@flushout/server'
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import Fastify from 'fastify'
import { Suspense, useState } from 'react'
import { afterEach, expect, onTestFinished, test } from 'vitest'

const KEY = 'boards:one'
const WORDS = 'Only who wrote a note may delete it.'

interface Board {
  readonly notes: { readonly [id: string]: { readonly by: string } }
}

const boards = defineModel({
  pattern: 'boards:$name',
  initial: { notes: { a: { by: 'ada' }, b: { by: 'bob' } } },
  rules: {
    can: (user, action, node) => {
      if (!user || node.path[0] !== 'notes') return false
      if (action === 'delete') return node.read('by') === user.id || WORDS
      return true
    },
  },
})

function Note({ id }: { readonly id: string }) {
  const model = useModel<Board>(KEY)
  const mayDelete = useCan(model, 'delete', ['notes', id])
  const [said, setSaid] = useState('')
  const remove = () => setSaid(model.delete(['notes', id]).rejection?.message ?? 'Gone')
  return (
    <li>
      {mayDelete && <button>{`Delete ${id}`}</button>}
      <button onClick={remove}>{`Try to delete ${id}`}</button>
      {said}
    </li>
  )
}

function Notes() {
  const ids = useKeys(useModel<Board>(KEY), ['notes'])
  return ids.map((id) => <Note key={id} id={id} />)
}

async function start() {
  const server = Fastify(fastifyOptions)
  await server.register(flushout, {
    store: memoryStore(),
    authorize: allowAnyone,
    models: [boards],
    user: ({ headers }) => (headers['x-user'] ? { id: String(headers['x-user']) } : undefined),
  })
  onTestFinished(() => server.close())
  const origin = await server.listen({ port: 0, host: '127.0.0.1' })
  ;(window as unknown as DetachedWindowAPI).happyDOM.setURL(origin)
  return { server, url: `${origin}/flushout` }
}

function open(url: string, id: string): Client {
  const client = createClient({
    transport: httpTransport({ url, headers: () => ({ 'x-user': id }) }),
    user: { id },
    models: [boards],
    flush: { mode: 'manual' },
    environment: createTestEnvironment({ seed: id }),
  })
  onTestFinished(() => client.close())
  return client
}

function show(client: Client) {
  return act(async () => {
    render(
      <FlushoutProvider client={client}>
        <Suspense>
          <Notes />
        </Suspense>
      </FlushoutProvider>,
    )
    await client.model<Board>(KEY).ready
  })
}

async function curl(url: string, user: string, command: Command): Promise<JsonObject> {
  const sender = { clientId: 'mallory', sequence: 1, from: 0, hash: '' }
  const body = JSON.stringify({ protocol: PROTOCOL, ...sender, commands: [command] })
  const headers = ['-H', 'content-type: application/json', '-H', `x-user: ${user}`]
  const address = `${url}/models/${encodeURIComponent(KEY)}/flush`
  const { stdout } = await promisify(execFile)('curl', ['-sS', ...headers, '-d', body, address])
  return JSON.parse(stdout) as JsonObject
}

const isThere = (name: string) => screen.queryByRole('button', { name }) !== null

afterEach(cleanup)

/** Of happy-dom: the page is of the same origin as the server. */
interface DetachedWindowAPI {
  readonly happyDOM: { setURL(url: string): void }
}

test('the button is there for who may, and the forged flush is refused in the words of the page', async () => {
  const { url } = await start()
  await show(open(url, 'ada'))
  expect(isThere('Delete a')).toBe(true)
  expect(isThere('Delete b')).toBe(false)

  fireEvent.click(screen.getByRole('button', { name: 'Try to delete b' }))
  expect(screen.getByText(WORDS)).toBeDefined()

  const path = ['notes', 'b']
  expect(await curl(url, 'ada', { action: 'delete', path })).toMatchObject({
    commandCount: 0,
    verdicts: [
      { index: 0, kind: 'rejected', rejection: { code: 'FORBIDDEN', message: WORDS, at: path } },
    ],
  })
})

test('who forges a flush is judged by the session, whatever the flush says', async () => {
  const { url, server } = await start()
  const path = ['notes', 'b', 'by']
  expect(await curl(url, '', { action: 'delete', path })).toMatchObject({
    verdicts: [{ rejection: { code: 'FORBIDDEN', message: 'You may not update this.' } }],
  })
  const { document } = await server.flushout.snapshot(KEY)
  expect(document).toEqual({ notes: { a: { by: 'ada' }, b: { by: 'bob' } } })
})

test('the button comes and goes with what others do', async () => {
  const { url } = await start()
  const [ada, bob] = [open(url, 'ada'), open(url, 'bob')]
  await show(ada)
  const theirs = bob.model<Board>(KEY)
  await theirs.ready
  theirs.update(['notes', 'b'], { by: 'ada' })
  await theirs.flush()
  await act(() => ada.flush())
  expect(isThere('Delete b')).toBe(true)
})
