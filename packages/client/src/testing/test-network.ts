import {
  FlushoutError,
  type ErrorCode,
  type Flush,
  type LiveEvent,
  type LiveRequest,
  type Snapshot,
} from '@flushout/core'
import { untilAborted } from '../exchange-error.ts'
import type { LiveTransport, Transport } from '../transport.ts'

/** An exchange that a client began. */
export interface Sent {
  readonly key: string
  /** Undefined for a load. */
  readonly flush: Flush | undefined
  /** What the server answered, whatever became of that on the way; undefined if nothing. */
  answer: unknown
  /** What happened to it on the way, if anything. */
  fault: Fault | undefined
}

/** What happens to an exchange on its way. */
export type Fault =
  /** It never arrives. */
  | { readonly kind: 'drop-request' }
  /** It takes effect, and nobody hears of it. */
  | { readonly kind: 'drop-answer' }
  /** It arrives twice; the second answer counts. */
  | { readonly kind: 'repeat' }
  /** The server, or something before it, refuses. */
  | { readonly kind: 'refuse'; readonly error: FlushoutError }
  /** It takes effect, and something else comes back. */
  | { readonly kind: 'garbage'; readonly answer: unknown }

/**
 * A network between a client and a transport, whose faults are made to order. A
 * method that takes `times` does its harm to so many exchanges and then stops;
 * without it, until `heal`.
 */
export interface TestNetwork extends Transport {
  /** All exchanges so far, oldest first. */
  readonly sent: readonly Sent[]
  /** Of these, the flushes. */
  readonly flushes: readonly Flush[]
  /** How many exchanges are under way. */
  readonly open: number
  /** What was asked of the live side so far, oldest first; faults that last hit it too. */
  readonly lives: readonly Live[]
  /** Of these, the streams that are open. */
  readonly streams: readonly Live[]
  dropRequests(times?: number): void
  dropAnswers(times?: number): void
  repeatRequests(times?: number): void
  refuse(code: ErrorCode, options?: { times?: number; retryAfterMs?: number }): void
  garble(answer: unknown, times?: number): void
  /** Let the next exchanges each have one of these; `undefined` is none. */
  plan(...faults: readonly (Fault | undefined)[]): void
  /** Let exchanges arrive, but keep the answers back until the returned function is called. */
  hold(): () => void
  /** Let no stream through, as some proxies do: nothing comes, until `heal`. */
  blockStreams(): void
  /** Let open connections fall silent; what they carry is lost, until `heal`. */
  mute(): void
  /** Break all streams and polls that are open, after the server said when to come again. */
  cut(retryAfterMs?: number): void
  /** No more faults from here on. What is held stays held. */
  heal(): void
}

/** A stream or a poll that a client began. */
export interface Live {
  readonly kind: 'stream' | 'poll'
  readonly request: LiveRequest
  /** What came of it, whether it got through or not. */
  readonly events: LiveEvent[]
  isOpen: boolean
}

/** Put a network before `transport`: `createClient({ transport: createTestNetwork(directTransport(server)) })`. */
export function createTestNetwork(transport: Transport): TestNetwork {
  const sent: Sent[] = []
  let planned: (Fault | undefined)[] = []
  let lasting: Fault | undefined
  let held: { readonly promise: Promise<void>; readonly release: () => void } | undefined
  let open = 0
  const lives: Live[] = []
  const breaks = new Set<(error: FlushoutError) => void>()
  let isBlocked = false
  let isMute = false

  const harm = (fault: Fault, times: number | undefined) => {
    if (times === undefined) lasting = fault
    else for (let count = 0; count < times; count += 1) planned.push(fault)
  }

  async function carry<T>(exchange: Sent, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const fault = planned.length > 0 ? planned.shift() : lasting
    exchange.fault = fault
    if (fault?.kind === 'drop-request') throw lost()
    if (fault?.kind === 'refuse') throw fault.error
    let answer: unknown = await ask()
    if (fault?.kind === 'repeat') answer = await ask()
    exchange.answer = answer
    if (held) await untilAborted(signal, () => held?.promise)
    if (fault?.kind === 'drop-answer') throw lost()
    return (fault?.kind === 'garbage' ? fault.answer : answer) as T
  }

  async function follow<T>(
    key: string,
    flush: Flush | undefined,
    signal: AbortSignal,
    ask: () => Promise<T>,
  ) {
    const one: Sent = { key, flush, answer: undefined, fault: undefined }
    sent.push(one)
    open += 1
    try {
      return await carry(one, signal, ask)
    } catch (cause) {
      throw signal.aborted
        ? new FlushoutError('NETWORK', 'The exchange was ended.', { cause })
        : cause
    } finally {
      open -= 1
    }
  }

  /** Carry a stream or a poll, until it ends by itself or is cut. */
  async function connect<T>(
    kind: Live['kind'],
    request: LiveRequest,
    signal: AbortSignal,
    run: (live: Live, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const live: Live = { kind, request, events: [], isOpen: true }
    const abort = new AbortController()
    const cut = (error: FlushoutError) => abort.abort(error)
    const end = () => cut(lost())
    lives.push(live)
    breaks.add(cut)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    try {
      if (lasting?.kind === 'refuse') throw lasting.error
      if (lasting) throw lost()
      return await untilAborted(abort.signal, () => run(live, abort.signal))
    } finally {
      live.isOpen = false
      breaks.delete(cut)
    }
  }

  function carryLive(far: LiveTransport): LiveTransport {
    return {
      stream: (request, hear, signal) =>
        connect('stream', request, signal, (live, cut) => {
          const isDeaf = isBlocked
          return far.stream(
            request,
            (event) => {
              live.events.push(event)
              if (!isDeaf && !isMute) hear(event)
            },
            cut,
          )
        }),
      poll: (request, signal) =>
        connect('poll', request, signal, async (live, cut) => {
          const events = await far.poll(request, cut)
          live.events.push(...events)
          return events
        }),
      announce: (presence, signal) => far.announce(presence, signal),
    }
  }

  return {
    ...(transport.live && { live: carryLive(transport.live) }),
    ...(transport.onLogin && { onLogin: transport.onLogin }),
    sent,
    lives,
    get streams() {
      return lives.filter(({ kind, isOpen }) => kind === 'stream' && isOpen)
    },
    get flushes() {
      return sent.flatMap(({ flush }) => flush ?? [])
    },
    get open() {
      return open
    },
    load: (key, signal) =>
      follow<Snapshot>(key, undefined, signal, () => transport.load(key, signal)),
    flush: (key, flush, signal) =>
      follow<unknown>(key, flush, signal, () => transport.flush(key, flush, signal)),
    dropRequests: (times) => harm({ kind: 'drop-request' }, times),
    dropAnswers: (times) => harm({ kind: 'drop-answer' }, times),
    repeatRequests: (times) => harm({ kind: 'repeat' }, times),
    refuse(code, { times, retryAfterMs } = {}) {
      const error = new FlushoutError(code, `The test refuses with ${code}.`, { retryAfterMs })
      harm({ kind: 'refuse', error }, times)
    },
    garble: (answer, times) => harm({ kind: 'garbage', answer }, times),
    plan: (...faults) => void planned.push(...faults),
    hold() {
      const { release } = (held ??= createGate())
      return release
    },
    blockStreams() {
      isBlocked = true
    },
    mute() {
      isMute = true
    },
    cut(retryAfterMs) {
      for (const end of breaks) end(lost(retryAfterMs))
    },
    heal() {
      isBlocked = false
      isMute = false
      planned = []
      lasting = undefined
    },
  }

  function createGate() {
    let release = () => {}
    const promise = new Promise<void>((resolve) => {
      release = () => {
        held = undefined
        resolve()
      }
    })
    return { promise, release: () => release() }
  }
}

function lost(retryAfterMs?: number): FlushoutError {
  return new FlushoutError('NETWORK', 'The test lost the message.', { retryAfterMs })
}
