import {
  FlushoutError,
  type ErrorCode,
  type Flush,
  type JsonObject,
  type LiveEvent,
  type LiveRequest,
} from '@flushout/core'
import type { LiveTransport, Transport } from '../transport.ts'
import {
  AWKWARD_KEYS,
  createFlush,
  createStory,
  equal,
  EXACT,
  failure,
  firstFlush,
  KEY,
  patience,
  send,
  type CreateTransport,
} from './contract-story.ts'

const OTHER = 'todos:tools'
const CODES: readonly ErrorCode[] = ['UNAUTHENTICATED', 'PROTOCOL_UNSUPPORTED', 'BUSY']
const named = (documents: readonly string[]) =>
  Object.fromEntries(documents.map((key) => [key, { name: key }]))

/**
 * Define the tests that every transport with a `live` has to pass beside those of
 * `transportContract`, called in the same way.
 */
export function liveContract(
  test: (title: string, run: () => Promise<void>) => unknown,
  createTransport: CreateTransport,
): void {
  const story = createStory(test, createTransport)

  story('a stream begins with `ready`, then says how far the model is', async (transport) => {
    const { commandCount, hash } = await transport.load(KEY, patience())
    const hearing = new Hearing(transport, await requestFor(transport, [KEY]))
    const heads = await hearing.next('heads')
    equal(heads, { event: 'heads', heads: { [KEY]: { commandCount, hash } } }, 'the heads')
    const [ready] = hearing.events
    equal(ready?.event, 'ready', 'the first event')
    equal(ready?.event === 'ready' && ready.heartbeatMs > 0, true, 'whether it says how often')
    await hearing.end()
  })

  story('a stream brings each flush as it was applied, in their order', async (transport) => {
    const flush = await firstFlush(transport)
    const hearing = new Hearing(transport, await requestFor(transport, [KEY]))
    await hearing.next('heads')
    const first = await send(transport, flush)
    const answer = await send(transport, {
      ...flush,
      sequence: 2,
      from: first.commandCount,
      hash: first.hash,
      commands: [{ action: 'delete', path: ['todos', 'milk'] }],
    })
    const updates = []
    for (let count = 0; count < answer.commandCount;) {
      const event = await hearing.next('updates')
      equal(event.key, KEY, 'the key')
      updates.push(...event.updates)
      count = event.commandCount
      if (count === answer.commandCount) equal(event.hash, answer.hash, 'the hash')
    }
    equal(
      updates.map(({ clientId, sequence, from, commands }) => [clientId, sequence, from, commands]),
      [
        ['ada', 1, 0, flush.commands],
        ['ada', 2, 1, [{ action: 'delete', path: ['todos', 'milk'] }]],
      ],
      'the updates',
    )
    await hearing.end()
  })

  story('a stream brings what happened since the position that was named', async (transport) => {
    const request = await requestFor(transport, [KEY])
    const answer = await send(transport, await firstFlush(transport))
    const hearing = new Hearing(transport, request)
    // Either is right: what is longer than the document may be left to be asked for.
    const event = await hearing.next('updates', 'heads')
    const head = event.event === 'updates' ? event : event.heads[KEY]
    equal(head?.commandCount, answer.commandCount, 'the command count')
    equal(head?.hash, answer.hash, 'the hash')
    await hearing.end()
  })

  story(
    'a model that does not exist is refused, and the others go on',
    async (transport) => {
      const request = await requestFor(transport, [KEY])
      const models = { 'todos:none': { from: 0, hash: 'h' }, ...request.models }
      const hearing = new Hearing(transport, { ...request, models })
      const refused = await hearing.next('refused')
      equal(refused.models, 'todos:none', 'the model')
      equal(refused.code, 'MODEL_NOT_FOUND', 'the code')
      equal(refused.retry, 'never', 'what to do about it')
      await hearing.until('heads')
      await send(transport, createUpdate(await transport.load(KEY, patience()), { seen: true }))
      equal((await hearing.next('updates')).key, KEY, 'the model of the updates')
      await hearing.end()
    },
    named([KEY]),
  )

  story(
    'one stream brings news of many models, and only of those it was asked for',
    async (transport) => {
      const hearing = new Hearing(transport, await requestFor(transport, AWKWARD_KEYS))
      const heads = new Set<string>()
      while (heads.size < AWKWARD_KEYS.length) {
        const event = await hearing.next('heads')
        for (const key of Object.keys(event.heads)) heads.add(key)
      }
      for (const key of [OTHER, ...AWKWARD_KEYS]) {
        const flush = createUpdate(await transport.load(key, patience()), { copy: EXACT })
        await transport.flush(key, flush, patience())
      }
      for (const wanted of AWKWARD_KEYS) {
        const { key, updates } = await hearing.next('updates')
        equal(key, wanted, 'the key')
        equal(
          updates.map(({ commands }) => commands),
          [[{ action: 'update', path: [], props: { copy: EXACT } }]],
          `the commands for ${key}`,
        )
      }
      await hearing.end()
    },
    named([OTHER, ...AWKWARD_KEYS]),
  )

  story('a stream that is ended is NETWORK, and nothing is heard after it', async (transport) => {
    const hearing = new Hearing(transport, await requestFor(transport, [KEY]))
    await hearing.next('heads')
    const { code } = await hearing.end()
    equal(code, 'NETWORK', 'the code')
    const known = hearing.events.length
    await send(transport, await firstFlush(transport))
    equal(hearing.events.length, known, 'the number of events')
  })

  story('a stream or poll that was aborted before it began does nothing', async (transport) => {
    const request = await requestFor(transport, [KEY])
    const events: LiveEvent[] = []
    const { stream, poll } = liveOf(transport)
    const hear = (event: LiveEvent) => void events.push(event)
    for (const refused of [
      await failure(stream(request, hear, AbortSignal.abort())),
      await failure(poll(request, AbortSignal.abort())),
    ]) {
      equal(refused.code, 'NETWORK', 'the code')
    }
    equal(events, [], 'the events')
  })

  story('a poll gives at once what is known already', async (transport) => {
    const request = await requestFor(transport, [KEY])
    const answer = await send(transport, await firstFlush(transport))
    const events = await liveOf(transport).poll(request, patience())
    const heads = events.map((event) => (event.event === 'heads' ? event.heads[KEY] : event))
    const counts = heads.map((head) => (head && 'commandCount' in head ? head.commandCount : 0))
    equal(Math.max(...counts), answer.commandCount, 'the command count')
  })

  story('a poll waits for what happens', async (transport, far) => {
    const request = await requestFor(transport, [KEY])
    const flush = await firstFlush(transport)
    far.count()
    const events = liveOf(transport).poll(request, patience())
    await far.arrivals(1)
    await send(transport, flush)
    const updates = (await events).filter(({ event }) => event === 'updates')
    equal(updates.length, 1, 'the number of updates')
  })

  story('a poll ends with NETWORK when it is aborted', async (transport, far) => {
    const request = await requestFor(transport, [KEY])
    const controller = new AbortController()
    far.count()
    const refused = failure(liveOf(transport).poll(request, controller.signal))
    await far.arrivals(1)
    controller.abort()
    equal((await refused).code, 'NETWORK', 'the code')
  })

  for (const code of CODES) {
    story(`a refusal of all with ${code} arrives as it was given`, async (transport, far) => {
      const request = await requestFor(transport, [KEY])
      far.refusal = new FlushoutError(code, `Not now: ${code}, "ä".`, { retryAfterMs: 1234 })
      const { stream, poll, announce } = liveOf(transport)
      for (const refused of [
        await failure(stream(request, () => {}, patience())),
        await failure(poll(request, patience())),
        await failure(announce({ token: TOKEN, sequence: 1, models: {} }, patience())),
      ]) {
        equal(refused.code, code, 'the code')
        equal(refused.message, `Not now: ${code}, "ä".`, 'the message')
        equal(refused.retryAfterMs, 1234, 'the asked for pause')
      }
    })
  }

  story('who is connected may tell something of itself', async (transport) => {
    const presence = { token: TOKEN, sequence: 1, models: { [KEY]: { name: 'Ada' } } }
    const request = { ...(await requestFor(transport, [KEY])), presence }
    const hearing = new Hearing(transport, request)
    await hearing.next('heads')
    const models = { [KEY]: { name: 'Ada', editing: 'milk' } }
    await liveOf(transport).announce({ token: TOKEN, sequence: 2, models }, patience())
    await hearing.end()
  })
}

const TOKEN = 'a-token-that-is-long-enough-to-be-one'

/** A stream, and what was heard on it. */
class Hearing {
  readonly events: LiveEvent[] = []
  readonly #abort = new AbortController()
  readonly #ended: Promise<FlushoutError>
  #taken = 0
  #onEvent = () => {}

  constructor(transport: Transport, request: LiveRequest) {
    const hear = (event: LiveEvent) => {
      this.events.push(event)
      this.#onEvent()
    }
    this.#ended = failure(liveOf(transport).stream(request, hear, this.#abort.signal))
    // Whoever waits for an event waits in vain if that comes first.
    this.#ended.catch(() => {})
  }

  /** The next event of one of these kinds, which must be the next but for others of no account. */
  async next<Kind extends LiveEvent['event']>(
    ...kinds: Kind[]
  ): Promise<Extract<LiveEvent, { event: Kind }>> {
    for (;;) {
      while (this.#taken < this.events.length) {
        const event = this.events[(this.#taken += 1) - 1]!
        if ((kinds as string[]).includes(event.event)) {
          return event as Extract<LiveEvent, { event: Kind }>
        }
      }
      const arrived = new Promise<void>((resolve) => {
        this.#onEvent = resolve
      })
      const early = await Promise.race([arrived, this.#ended])
      if (early) throw new Error(`The stream ended before ${kinds.join(' or ')}.`, { cause: early })
    }
  }

  /** Wait until an event of this kind was heard, be it long ago. */
  async until(kind: LiveEvent['event']): Promise<void> {
    if (!this.events.some(({ event }) => event === kind)) await this.next(kind)
  }

  /** End the stream, and give what that came to. */
  end(): Promise<FlushoutError> {
    this.#abort.abort()
    return this.#ended
  }
}

function liveOf({ live }: Transport): LiveTransport {
  if (live) return live
  throw new Error('Expected the transport to have `live`.')
}

async function requestFor(transport: Transport, keys: readonly string[]): Promise<LiveRequest> {
  const models = await Promise.all(
    keys.map(async (key) => {
      const { commandCount, hash } = await transport.load(key, patience())
      return [key, { from: commandCount, hash }] as const
    }),
  )
  return { protocol: 1, models: Object.fromEntries(models) }
}

function createUpdate(at: { commandCount: number; hash: string }, props: JsonObject): Flush {
  return {
    ...createFlush(at),
    commands: [{ action: 'update' as const, path: [], props }],
  }
}
