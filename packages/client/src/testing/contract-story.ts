import {
  type FlushoutError,
  isFlushoutError,
  type Flush,
  type FlushAnswer,
  type JsonObject,
} from '@flushout/core'
import type { Transport } from '../transport.ts'

/** What the far side of a transport under test has to be like. */
export interface TransportWorld {
  /** The models that there are, with the documents they begin with. Everybody may do everything. */
  readonly documents: Readonly<Record<string, JsonObject>>
  /**
   * To be called on the far side before each exchange is served. It may take its
   * time; what it throws is to be answered instead.
   */
  readonly gate: () => void | Promise<void>
}

/** A transport that reaches the world it was made for. */
export interface TransportUnderTest {
  readonly transport: Transport
  /** Called after each test. */
  readonly close?: () => void | Promise<void>
}

/** Make a fresh world, and a transport that reaches it. */
export type CreateTransport = (
  world: TransportWorld,
) => TransportUnderTest | Promise<TransportUnderTest>

/** Keys with everything that an address, a pattern or a file name could trip over. */
export const AWKWARD_KEYS: readonly string[] = [
  'todos:groceries',
  'a/b',
  '/',
  'a.b',
  '...',
  'a*b',
  '100%',
  '%2F',
  'a?b=c',
  'a#b',
  'a b',
  'a+b',
  'a&b;c=d',
  'a\\b',
  '"quoted"',
  '{"json":1}',
  'Größe',
  '日本語',
  '👩‍👩‍👧',
  'constructor',
]

export const KEY = 'todos:groceries'
export const DOCUMENT: {
  readonly todos: { readonly milk: { readonly text: string; readonly done: boolean } }
} = { todos: { milk: { text: 'Milk', done: false } } }
export const EXACT: JsonObject = {
  text: 'ä 日本 👩‍👩‍👧 \u0000 \u2028 \\ " </script> ',
  numbers: [0, 1e21, 5e-324, 9007199254740991, -1.5],
  empty: [{}, [], '', null, false],
  order: { zebra: 1, apple: 2, mango: 3 },
}
/** Define a test that tells a story about a fresh world, through the transport to it. */
export type Story = (
  title: string,
  run: (transport: Transport, far: Far) => Promise<void>,
  documents?: TransportWorld['documents'],
) => void

/** How the tests of a contract are defined, with `test` of any runner. */
export function createStory(
  test: (title: string, run: () => Promise<void>) => unknown,
  createTransport: CreateTransport,
): Story {
  return (title, run, documents = { [KEY]: DOCUMENT }) => {
    test(title, async () => {
      const far = new Far()
      const { transport, close } = await createTransport({ documents, gate: far.pass })
      try {
        await run(transport, far)
      } finally {
        far.open()
        await close?.()
      }
    })
  }
}

/** The gate on the far side: open, shut, or with a refusal at it. */
class Far {
  refusal: Error | undefined
  #gate: Promise<void> | undefined
  #open = () => {}
  #arrived = 0
  #onArrival = () => {}

  /** Count arrivals from here on. */
  count(): void {
    this.#arrived = 0
  }

  shut(): void {
    this.count()
    this.#gate = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  open(): void {
    this.#gate = undefined
    this.#open()
  }

  /** Resolves when so many have arrived since the gate was shut. */
  async arrivals(count: number): Promise<void> {
    while (this.#arrived < count) {
      await new Promise<void>((resolve) => {
        this.#onArrival = resolve
      })
    }
  }

  pass = async (): Promise<void> => {
    this.#arrived += 1
    this.#onArrival()
    await this.#gate
    if (this.refusal) throw this.refusal
  }
}

export function patience(): AbortSignal {
  return new AbortController().signal
}

export function createFlush({ commandCount, hash }: { commandCount: number; hash: string }): Flush {
  return { protocol: 1, clientId: 'ada', sequence: 1, from: commandCount, hash, commands: [] }
}

/** A flush as a proxy gives it, frozen, that ticks the milk off. */
export async function firstFlush(transport: Transport): Promise<Flush> {
  const props = Object.freeze({ done: true })
  const path = Object.freeze(['todos', 'milk'])
  const commands = Object.freeze([Object.freeze({ action: 'update' as const, path, props })])
  return Object.freeze({ ...createFlush(await transport.load(KEY, patience())), commands })
}

export async function send(transport: Transport, flush: Flush): Promise<FlushAnswer> {
  return (await transport.flush(KEY, flush, patience())) as FlushAnswer
}

export async function failure(exchange: Promise<unknown>): Promise<FlushoutError> {
  let answer: unknown
  try {
    answer = await exchange
  } catch (error) {
    if (isFlushoutError(error)) return error
    throw new Error('Expected a FlushoutError as reason.', { cause: error })
  }
  throw new Error(`Expected a failure, not ${JSON.stringify(answer)}.`)
}

/** As text, because the order of keys is part of the promise. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (found !== wanted) throw new Error(`Expected ${what} to be ${wanted}, not ${found}.`)
}
