// One connection for the streams of all tabs. What they ask for is merged; each
// hears what it asked for. It is no cleverer than a connection of their own: what
// befalls it befalls all who hear by it, and they know what to do.
//
//   stream ──► waiting ──► opening: a connection for all ──ready──► current
//                 │                                                   │
//                 └── current has all of it ──► hearing ◄─────────────┘
import {
  FlushoutError,
  type LiveEvent,
  type LiveRequest,
  type PresenceRequest,
} from '@flushout/core'
import type { Environment } from '../environment.ts'
import { toExchangeError, untilAborted } from '../exchange-error.ts'
import { isSameRequest } from '../live-interest.ts'
import { LiveStream } from '../live-stream.ts'
import { notify } from '../notify.ts'
import type { LiveTransport } from '../transport.ts'
import { Hearer } from './hearer.ts'
import { feedName, mergeRequests } from './merged-request.ts'
import { ownReady } from './own-ready.ts'
import { SharedPolls } from './shared-polls.ts'

type Ready = Extract<LiveEvent, { event: 'ready' }>
type Heads = Extract<LiveEvent, { event: 'heads' }>['heads']

/** A stream that somebody asked for. */
interface Member {
  readonly request: LiveRequest
  readonly hearer: Hearer
  readonly hear: (event: LiveEvent) => void
  /** Without an error the other side ended it. */
  readonly end: (error?: FlushoutError) => void
  isHearing: boolean
  heardAt: number
}

/** A stream for all of them. */
interface Upstream {
  readonly stream: LiveStream
  /** What it said first; undefined until then. */
  ready: Ready | undefined
  /** How far models are. Those that were refused are not here. */
  readonly heads: Map<string, Heads[string]>
}

/** Carries the streams and polls of many over one connection. */
export class SharedLive implements LiveTransport {
  readonly #live: LiveTransport
  readonly #environment: Environment
  readonly #polls: SharedPolls
  readonly #members = new Set<Member>()
  #current: Upstream | undefined
  #opening: Upstream | undefined

  constructor(live: LiveTransport, environment: Environment) {
    this.#live = live
    this.#environment = environment
    this.#polls = new SharedPolls(live, environment)
  }

  stream = async (
    request: LiveRequest,
    hear: (event: LiveEvent) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    let member: Member | undefined
    try {
      await untilAborted(signal, () => {
        return new Promise<void>((resolve, reject) => {
          const end = (error?: FlushoutError) => (error ? reject(error) : resolve())
          const heardAt = this.#environment.now()
          const hearer = new Hearer(request)
          member = { request, hearer, hear, end, isHearing: false, heardAt }
          this.#join(member)
        })
      })
    } catch (thrown) {
      throw toExchangeError(thrown)
    } finally {
      if (member) this.#leave(member)
    }
  }

  poll = (request: LiveRequest, signal: AbortSignal): Promise<readonly LiveEvent[]> => {
    return this.#polls.poll(request, signal)
  }

  announce = (presence: PresenceRequest, signal: AbortSignal): Promise<void> => {
    for (const { hearer } of this.#members) hearer.announce(presence)
    return this.#live.announce(presence, signal)
  }

  #join(member: Member): void {
    this.#members.add(member)
    if (this.#current && hasAll(this.#current, member.request)) this.#admit(member, this.#current)
    else this.#open()
  }

  #leave(member: Member): void {
    if (!this.#members.delete(member)) return
    if (this.#members.size === 0) return this.#close()
    const newest = this.#opening ?? this.#current
    // Who left is not to be shown to others, nor heard about.
    if (newest && !isSameRequest(newest.stream.request, this.#merge())) this.#open()
  }

  /** Nobody is left to hear anything. */
  #close(): void {
    this.#opening?.stream.close()
    this.#current?.stream.close()
    this.#opening = undefined
    this.#current = undefined
  }

  #merge(): LiveRequest {
    return mergeRequests([...this.#members].map(({ hearer }) => hearer.request))
  }

  /** Open a stream beside the current one, in the place of one that is opening. */
  #open(): void {
    this.#opening?.stream.close()
    const request = this.#merge()
    for (const { hearer } of this.#members) hearer.asked()
    const stream = new LiveStream({
      live: this.#live,
      request,
      environment: this.#environment,
      hear: this.#hear,
      onEnd: this.#ended,
    })
    this.#opening = { stream, ready: undefined, heads: new Map() }
  }

  #hear = (stream: LiveStream, event: LiveEvent): void => {
    const upstream = this.#opening?.stream === stream ? this.#opening : this.#current
    if (upstream?.stream !== stream) return
    if (event.event === 'ready') return this.#carry(upstream, event)
    note(upstream, event)
    for (const member of this.#audience(upstream)) this.#tell(member, event)
  }

  /** The stream that was opened is ready: it takes over. */
  #carry(upstream: Upstream, ready: Ready): void {
    if (upstream === this.#opening) {
      this.#current?.stream.close()
      this.#current = upstream
      this.#opening = undefined
    }
    upstream.ready = ready
    for (const member of this.#members) {
      if (!member.isHearing) this.#welcome(member, upstream.stream, ready)
    }
  }

  /** Let somebody hear by a stream that is ready. */
  #welcome(member: Member, { request }: LiveStream, ready: Ready): void {
    member.isHearing = true
    this.#say(member, ownReady(ready, request, member.request))
  }

  /** The same for who comes later, and wants nothing that the stream does not bring. */
  #admit(member: Member, { stream, ready, heads: known }: Upstream): void {
    this.#welcome(member, stream, ready!)
    const heads = [...known].filter(([key]) => isModelOf(member.request, key))
    if (heads.length > 0) this.#tell(member, { event: 'heads', heads: Object.fromEntries(heads) })
  }

  #tell(member: Member, event: LiveEvent): void {
    const own = member.hearer.pick(event)
    if (own) return this.#say(member, own)
    // All that comes tells a server's timer that something was heard; here too.
    const { heartbeatMs = 0 } = this.#current?.ready ?? {}
    const isQuiet = this.#environment.now() - member.heardAt >= heartbeatMs / 2
    if (isQuiet) this.#say(member, { event: 'heads', heads: {} })
  }

  #say(member: Member, event: LiveEvent): void {
    member.heardAt = this.#environment.now()
    notify(member.hear, event)
  }

  #ended = (stream: LiveStream, error: FlushoutError): void => {
    const upstream = this.#opening?.stream === stream ? this.#opening : this.#current
    if (upstream?.stream !== stream) return
    const audience = this.#audience(upstream)
    if (upstream === this.#opening) this.#opening = undefined
    else this.#current = undefined
    for (const member of audience) {
      this.#members.delete(member)
      member.end(stream.isBye ? undefined : error)
    }
    // There may be one whose members all wanted more, by the one that ended here.
    if (this.#members.size === 0) this.#close()
  }

  /** Who hears by a stream, or waits for it. */
  #audience(upstream: Upstream): Member[] {
    const isCurrent = upstream === this.#current
    return [...this.#members].filter(({ isHearing }) => isHearing === isCurrent)
  }
}

/** Whether all that is asked for comes, and comes from where it is asked for. */
function hasAll({ stream, heads }: Upstream, request: LiveRequest): boolean {
  const { models = {}, feeds = [], presence } = request
  // It has to be told who is there; and nothing comes of what has broken unnoticed.
  if (presence || stream.isQuiet) return false
  const known = new Set(stream.request.feeds?.map(feedName))
  // What was refused may be granted to who asks anew, whatever a late event says of it.
  const isKnown = (key: string) => heads.has(key) && !stream.refused.has(key)
  return (
    Object.keys(models).every((key) => isModelOf(stream.request, key) && isKnown(key)) &&
    feeds.every(
      (feed) => !feed.since && known.has(feedName(feed)) && !stream.refused.has(feed.models),
    )
  )
}

function isModelOf({ models = {} }: LiveRequest, key: string): boolean {
  return Object.hasOwn(models, key)
}

/** Remember what who comes later has to be told. */
function note({ stream, heads }: Upstream, event: LiveEvent): void {
  if (event.event === 'updates') {
    const { commandCount, hash } = event
    heads.set(event.key, { commandCount, hash })
  } else if (event.event === 'heads') {
    for (const [key, head] of Object.entries(event.heads)) heads.set(key, head)
  } else if (event.event === 'refused') {
    heads.delete(event.models)
    stream.refused.add(event.models)
  }
}
