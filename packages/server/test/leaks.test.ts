// Reading, writing, following, patterns and the past: in none of them does a stranger get a
// byte of a model. Each way is tried on a server where the model is full of secrets and on one
// where it never was, and has to be answered by the same bytes; and by its owner, who gets
// others, so that a way which leads nowhere is noticed.
import { PROTOCOL } from '@flushout/core'
import { memoryStore } from '@flushout/server'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { EventStream } from './support/event-stream.ts'
import { TestServer, type Answer } from './support/http.ts'
import { add, Writer } from './support/world.ts'

const SECRET = 'swordfish'
const HIDDEN = 'todos:hidden'
/** Anybody may read and write this one. */
const OPEN = 'todos:open'

interface Site {
  readonly server: TestServer
  /** Where the hidden model is; the same on the server that has none. */
  readonly position: { readonly from: number; readonly hash: string }
  /** Do something in the hidden model, if there is one, and then in the open one. */
  readonly work: () => Promise<void>
}

async function start(isFull: boolean): Promise<Site> {
  const mayRead = (id: string | undefined, key: string) => id === 'ada' || key === OPEN
  const server = await TestServer.start({
    store: memoryStore(),
    user: ({ headers }) => (headers['x-user'] ? { id: String(headers['x-user']) } : undefined),
    authorize: (user, _action, key) => mayRead(user?.id, key),
    administer: (user, _action, key) => mayRead(user?.id, key),
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const { flushout: service } = server.app
  const ada = { user: { id: 'ada' } }
  const hidden = new Writer(service, `ada-${SECRET}`, { key: HIDDEN, ...ada })
  const open = new Writer(service, 'ada', { key: OPEN, ...ada })
  await open.add('first')
  if (isFull) {
    await service.models.create(HIDDEN, { config: { title: SECRET } })
    await hidden.add('a', { text: SECRET })
    await hidden.add(SECRET, { text: 'b' })
    await hidden.flush({ action: 'delete', path: ['todos', 'a'] })
  }
  let times = 0
  const work = async () => {
    times += 1
    if (isFull) {
      await hidden.add(`c${times}`, { text: SECRET })
      await service.models.configure(HIDDEN, { title: `${SECRET} 2` })
    }
    await open.add(`last${times}`)
  }
  return { server, position: { from: hidden.from, hash: hidden.hash }, work }
}

/** The same on both: times and the random beginnings of histories, of what anybody may see. */
function withoutChance(text: string): string {
  return text
    .replace(/"(hash|base|after)":"[^"]*"/g, '"$1":""')
    .replace(/@[^@,\n]*(?=,|\n)/g, '@')
    .replace(/"at":\d+/g, '"at":0')
    .replace(/^retry: \d+$/gm, 'retry: 0')
}

function toText({ status, headers, text }: Answer): string {
  const { date: _, etag, ...others } = headers
  return withoutChance(`${status} ${JSON.stringify(others)} ${etag ? 'etag' : ''} ${text}`)
}

type Way = (site: Site, headers: Record<string, string>, full: Site) => Promise<string>

const path = `/models/${encodeURIComponent(HIDDEN)}`

function ask(method: string, query: string, body?: unknown): Way {
  return async ({ server }, headers) => toText(await server.send(method, query, body, headers))
}

/** What somebody hears who follows by a stream until the open model has changed. */
function follow(what: (full: Site) => object): Way {
  return async (site, headers, full) => {
    const body = { protocol: PROTOCOL, ...what(full) }
    using stream = await EventStream.open(site.server.address, '/live', { body, headers })
    return await hear(stream, site)
  }
}

async function hear(stream: EventStream, { work }: Site): Promise<string> {
  await vi.waitFor(() => expect(stream.has('ready')).toBe(true), { timeout: 20_000, interval: 5 })
  await work()
  await vi.waitFor(() => expect(stream.text).toContain('"last'), { timeout: 20_000, interval: 5 })
  return withoutChance(stream.text)
}

const flush = (full: Site, commands: readonly unknown[]) => ({
  protocol: PROTOCOL,
  clientId: 'eve',
  sequence: 1,
  ...full.position,
  commands,
})

const ways: Record<string, Record<string, Way>> = {
  reading: {
    'the document': ask('GET', path),
    'whether it is there': ask('HEAD', path),
    'the document, if it changed': async ({ server }, headers, full) => {
      const etag = `"${full.position.hash}"`
      return toText(await server.get(path, { ...headers, 'if-none-match': etag }))
    },
    'all news from the beginning': ask('GET', `${path}?from=0&hash=`),
    'news from where it is': async ({ server }, headers, { position: { from, hash } }) =>
      toText(await server.get(`${path}?from=${from}&hash=${hash}`, headers)),
    'news by a flush without commands': async ({ server }, headers, full) =>
      toText(await server.post(flush(full, []), { key: HIDDEN, headers })),
  },
  writing: {
    'a command': async ({ server }, headers, full) =>
      toText(await server.post(flush(full, [add('x')]), { key: HIDDEN, headers })),
    'a command that can only be refused': async ({ server }, headers, full) => {
      const nowhere = { action: 'update', path: ['todos', SECRET, 'x'], props: {} }
      return toText(await server.post(flush(full, [nowhere]), { key: HIDDEN, headers }))
    },
    'under the id of its client': async ({ server }, headers, full) => {
      const body = { ...flush(full, [add('x')]), clientId: `ada-${SECRET}` }
      return toText(await server.post(body, { key: HIDDEN, headers }))
    },
  },
  following: {
    'the model': follow(() => ({ models: { [HIDDEN]: null, [OPEN]: null } })),
    'the model from where it is': follow(({ position }) => ({
      models: { [HIDDEN]: { ...position, from: position.from - 1 }, [OPEN]: null },
    })),
    'who is there': follow(() => ({
      models: { [OPEN]: null },
      presence: { token: 'eve-token', sequence: 1, models: { [HIDDEN]: {}, [OPEN]: {} } },
    })),
    'as EventSource does': async (site, headers) => {
      const query = `?models=${encodeURIComponent(HIDDEN)},${encodeURIComponent(OPEN)}`
      using stream = await EventStream.open(site.server.address, `/live${query}`, { headers })
      return await hear(stream, site)
    },
    'by a poll': async ({ server }, headers, { position }) => {
      const models = { [HIDDEN]: { ...position, from: position.from - 1 } }
      return toText(await server.send('POST', '/live', { protocol: PROTOCOL, models }, headers))
    },
    'by saying that one is there': async ({ server }, headers) => {
      const presence = { token: 'eve-token', sequence: 1, models: { [HIDDEN]: {} } }
      return toText(await server.send('POST', '/presence', presence, headers))
    },
  },
  patterns: {
    'the items of all that fit': follow(() => ({
      feeds: [{ models: 'todos:*', path: ['todos'] }],
    })),
    'all from where one is': follow(({ position }) => ({
      feeds: [{ models: 'todos:*', path: ['todos'], since: { [HIDDEN]: position } }],
    })),
    'the list of all that fit': ask('GET', '/models?pattern=todos:*'),
    'the list, page by page': ask('GET', '/models?pattern=todos:*&limit=1'),
    'the list from one on': ask('GET', '/models?pattern=todos:*&after=todos:a'),
  },
  'the past': {
    'the history': ask('GET', `${path}/history`),
    'the history of a node': ask('GET', `${path}/history?path=todos&path=a`),
    'the history before a count': ask('GET', `${path}/history?before=2&limit=1`),
    'the beginning': ask('GET', `${path}?at=0`),
    'a version': ask('GET', `${path}?at=1`),
    'a version that is not there': ask('GET', `${path}?at=99`),
  },
  'the model as a whole': {
    'making it': ask('PUT', path, {}),
    'its config': ask('PATCH', path, { config: {} }),
    'deleting it': ask('DELETE', path),
    'erasing from it': ask('DELETE', `${path}/history?path=todos`),
  },
}

describe.each(Object.entries(ways))('%s', (_what, all) => {
  test.each(Object.entries(all))('%s: a stranger gets no byte of it', async (_way, go) => {
    const [full, bare] = [await start(true), await start(false)]
    for (const headers of [{}, { 'x-user': 'eve' }]) {
      const told = await go(full, headers, full)
      expect(told).toBe(await go(bare, headers, full))
      expect(told).not.toContain(SECRET)
    }
    const { document } = await full.server.app.flushout.snapshot(HIDDEN, { id: 'ada' })
    expect(document['todos']).toHaveProperty(SECRET)

    const other = await start(true)
    expect(await go(other, { 'x-user': 'ada' }, other)).not.toBe(await go(other, {}, other))
  })
})
