import {
  FlushoutError,
  type ErrorCode,
  type Flush,
  type FlushAnswer,
  type JsonObject,
} from '@flushout/core'
import {
  AWKWARD_KEYS,
  createFlush,
  createStory,
  DOCUMENT,
  equal,
  EXACT,
  failure,
  firstFlush,
  KEY,
  patience,
  send,
  type CreateTransport,
} from './contract-story.ts'

// Refusals that a client acts upon, and has to tell apart.
const CODES: readonly ErrorCode[] = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'FLUSH_INVALID',
  'FLUSH_TOO_LARGE',
  'HISTORY_CHANGED',
  'SEQUENCE_GAP',
  'SEQUENCE_REUSED',
  'SEQUENCE_PAST',
  'CLIENT_EXPIRED',
  'PROTOCOL_UNSUPPORTED',
  'BUSY',
  'UNAVAILABLE',
]

/**
 * Define the tests that every transport has to pass:
 * `transportContract(test, createTransport)`, with `test` of any runner that
 * takes a title and a function. Failed expectations are thrown.
 */
export function transportContract(
  test: (title: string, run: () => Promise<void>) => unknown,
  createTransport: CreateTransport,
): void {
  const story = createStory(test, createTransport)

  story('a load gives the snapshot', async (transport) => {
    const snapshot = await transport.load(KEY, patience())
    equal(snapshot.document, DOCUMENT, 'the document')
    equal(snapshot.commandCount, 0, 'the command count')
    equal(typeof snapshot.hash, 'string', 'the type of the hash')
  })

  story('a flush is applied', async (transport) => {
    const flush = await firstFlush(transport)
    const answer = await send(transport, flush)
    equal(answer.sequence, 1, 'the sequence')
    equal(answer.outcome, 'applied', 'the outcome')
    equal(answer.commandCount, 1, 'the command count')
    equal(answer.sync, { kind: 'none' }, 'the sync')
    const { document } = await transport.load(KEY, patience())
    equal(document, { todos: { milk: { text: 'Milk', done: true } } }, 'the document')
  })

  story('a flush that is repeated is answered again and not applied again', async (transport) => {
    const flush = await firstFlush(transport)
    const first = await send(transport, flush)
    const second = await send(transport, flush)
    equal(second.outcome, 'repeated', 'the outcome')
    equal({ ...second, outcome: 'applied' }, first, 'the rest of the answer')
    equal((await transport.load(KEY, patience())).commandCount, 1, 'the command count')
  })

  story('an empty flush gives the news', async (transport) => {
    const flush = await firstFlush(transport)
    await send(transport, flush)
    const answer = await send(transport, { ...flush, clientId: 'bob', commands: [] })
    equal(answer.commandCount, 1, 'the command count')
    equal(answer.sync.kind === 'none', false, 'whether there was nothing new')
  })

  story('a rejected command is an answer, not a failure', async (transport) => {
    const flush = await firstFlush(transport)
    const answer = await send(transport, {
      ...flush,
      commands: [{ action: 'update', path: ['todos', 'gone'], props: {} }],
    })
    equal(answer.verdicts.length, 1, 'the number of verdicts')
  })

  story('a model that does not exist is refused for good', async (transport) => {
    const flush = await firstFlush(transport)
    for (const refused of [
      await failure(transport.load('todos:none', patience())),
      await failure(transport.flush('todos:none', flush, patience())),
    ]) {
      equal(refused.code, 'MODEL_NOT_FOUND', 'the code')
      equal(refused.retry, 'never', 'what to do about it')
    }
  })

  for (const code of CODES) {
    story(`a refusal with ${code} arrives as it was given`, async (transport, far) => {
      const flush = await firstFlush(transport)
      far.refusal = new FlushoutError(code, `Not now: ${code}, "ä".`, { retryAfterMs: 1234 })
      for (const refused of [
        await failure(transport.load(KEY, patience())),
        await failure(transport.flush(KEY, flush, patience())),
      ]) {
        equal(refused.code, code, 'the code')
        equal(refused.message, `Not now: ${code}, "ä".`, 'the message')
        equal(refused.retryAfterMs, 1234, 'the asked for pause')
      }
    })
  }

  story(
    'a fault of the other side is no refusal, and tells nothing of its inside',
    async (transport, far) => {
      const flush = await firstFlush(transport)
      far.refusal = new TypeError('secret is undefined')
      const { retry, message } = await failure(transport.flush(KEY, flush, patience()))
      equal(retry, 'same-flush', 'what to do about it')
      equal(message.includes('secret'), false, 'whether the message tells')
    },
  )

  story('an exchange that was aborted before it began does nothing', async (transport) => {
    const flush = await firstFlush(transport)
    const signal = AbortSignal.abort()
    equal((await failure(transport.load(KEY, signal))).code, 'NETWORK', 'the code of the load')
    equal(
      (await failure(transport.flush(KEY, flush, signal))).code,
      'NETWORK',
      'the code of the flush',
    )
    equal((await transport.load(KEY, patience())).commandCount, 0, 'the command count')
  })

  for (const name of ['AbortError', 'TimeoutError']) {
    story(
      `an exchange ends with NETWORK at an ${name}, though no answer came`,
      async (transport, far) => {
        const flush = await firstFlush(transport)
        far.shut()
        const controller = new AbortController()
        const failures = [
          failure(transport.load(KEY, controller.signal)),
          failure(transport.flush(KEY, flush, controller.signal)),
        ]
        await far.arrivals(2)
        controller.abort(new DOMException('Enough.', name))
        for (const one of failures) {
          const { code, retry } = await one
          equal(code, 'NETWORK', 'the code')
          equal(retry, 'same-flush', 'what to do about it')
        }
      },
    )
  }

  story('nothing is shared with the other side', async (transport) => {
    const flush = await firstFlush(transport)
    const props = { done: { at: 1 } }
    await send(transport, {
      ...flush,
      commands: [{ action: 'update', path: ['todos', 'milk'], props }],
    })
    props.done.at = 2
    const first = await transport.load(KEY, patience())
    const copy = structuredClone(first)
    Object.assign((first.document['todos'] as JsonObject)['milk'] as JsonObject, {
      text: 'Changed',
    })
    equal(await transport.load(KEY, patience()), copy, 'the next snapshot')
    equal(
      (copy.document['todos'] as typeof DOCUMENT.todos).milk,
      { text: 'Milk', done: { at: 1 } },
      'the todo',
    )
  })

  story(
    'documents and commands arrive as they were given, to the letter and in their order',
    async (transport) => {
      const snapshot = await transport.load(KEY, patience())
      equal(snapshot.document, EXACT, 'the document')
      const props = { copy: EXACT, long: 'ä'.repeat(50_000) }
      const flush = {
        ...createFlush(snapshot),
        commands: [{ action: 'update', path: [], props }],
      } as Flush
      await send(transport, flush)
      const { document } = await transport.load(KEY, patience())
      equal(document, { ...EXACT, ...props }, 'the document afterwards')
    },
    { [KEY]: EXACT },
  )

  story(
    'every key leads to its own model',
    async (transport) => {
      for (const key of AWKWARD_KEYS) {
        const snapshot = await transport.load(key, patience())
        equal(snapshot.document, { name: key }, `the document of ${key}`)
        const answer = (await transport.flush(
          key,
          {
            ...createFlush(snapshot),
            commands: [{ action: 'update', path: [], props: { seen: key } }],
          },
          patience(),
        )) as FlushAnswer
        equal(answer.commandCount, 1, `the command count of ${key}`)
      }
      for (const key of AWKWARD_KEYS) {
        const { document } = await transport.load(key, patience())
        equal(document, { name: key, seen: key }, `the document of ${key} afterwards`)
      }
    },
    Object.fromEntries(AWKWARD_KEYS.map((key) => [key, { name: key }])),
  )

  story(
    'exchanges at the same time do not get each other’s answers',
    async (transport) => {
      const keys = AWKWARD_KEYS.slice(0, 10)
      const snapshots = await Promise.all(keys.map((key) => transport.load(key, patience())))
      snapshots.forEach(({ document }, index) => {
        equal(document, { name: keys[index]! }, 'the document')
      })
    },
    Object.fromEntries(AWKWARD_KEYS.map((key) => [key, { name: key }])),
  )
}
