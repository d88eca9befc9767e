import { context, propagation, trace, type Link } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace'
import { PROTOCOL, type Flush } from '@flushout/core'
import { memoryStore, type FlushoutOptions, type ModelStore } from '@flushout/server'
import { openTelemetry } from '@flushout/server/opentelemetry'
import { prometheus } from '@flushout/server/prometheus'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { TestServer } from './support/http.ts'
import { add, KEY, wrapStore } from './support/world.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'
const traceparent = `00-${TRACE}-${CALLER}-01`

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
})
afterAll(() => {
  context.disable()
  propagation.disable()
})

interface World {
  readonly server: TestServer
  readonly spans: () => ReadableSpan[]
  /** The only span of that name. */
  readonly span: (name: string) => ReadableSpan
}

async function serve(
  options: Partial<FlushoutOptions> = {},
  prepare?: (app: FastifyInstance, provider: TracerProvider) => void,
): Promise<World> {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const traces = openTelemetry({ tracer: provider.getTracer('test') })
  const server = await TestServer.start({ traces, ...options }, {}, (app) =>
    prepare?.(app, provider),
  )
  onTestFinished(() => server[Symbol.asyncDispose]())
  const spans = () => exporter.getFinishedSpans()
  const span = (name: string) => {
    const found = spans().filter((one) => one.name === name)
    expect(found).toHaveLength(1)
    return found[0]!
  }
  return { server, spans, span }
}

function flushOf(clientId: string, ...ids: string[]): Flush {
  const commands = ids.map((id) => add(id))
  return { protocol: PROTOCOL, clientId, sequence: 1, from: 0, hash: '', commands }
}

const idOf = (span: ReadableSpan) => span.spanContext().spanId
const linked = (span: ReadableSpan) => span.links.map(({ context }: Link) => context.spanId)

describe.each([
  ['alone', {}],
  ['beside metrics', { metrics: prometheus({ token: 'a token that nobody guesses' }) }],
])('traces %s', (_title, options) => {
  test('lead from the request that asks for it through the commit to the statement', async () => {
    const { server, span, spans } = await serve(options)
    await server.post(flushOf('ada', 'a', 'b'), { headers: { traceparent } })
    const [flush, commit, statement] = ['flush', 'commit', 'statement'].map((name) =>
      span(`flushout.${name}`),
    )
    expect(spans().map((one) => one.spanContext().traceId)).toEqual([TRACE, TRACE, TRACE])
    expect(flush!.parentSpanContext?.spanId).toBe(CALLER)
    expect(commit!.parentSpanContext?.spanId).toBe(idOf(flush!))
    expect(statement!.parentSpanContext?.spanId).toBe(idOf(commit!))
    expect(flush!.attributes).toEqual({
      'flushout.kind': 'todos:*',
      'flushout.model': KEY,
      'flushout.commands': 2,
      'flushout.result': 'applied',
    })
    expect(commit!.attributes).toMatchObject({ 'flushout.result': 'stored' })
  })
})

/** A store whose commits wait until they are let go. */
function gatedStore(): { store: ModelStore; waiting: () => number; open: () => void } {
  const store = memoryStore()
  const gates: (() => void)[] = []
  let isOpen = false
  const commit: ModelStore['commit'] = async (writes) => {
    if (!isOpen) await new Promise<void>((resolve) => gates.push(resolve))
    return store.commit(writes)
  }
  const open = () => {
    isOpen = true
    for (const gate of gates) gate()
  }
  return { store: wrapStore(store, { commit }), waiting: () => gates.length, open }
}

describe('traces', () => {
  test('flushes that are stored together share a commit, and are linked to it', async () => {
    const { store, waiting, open } = gatedStore()
    let admitted = 0
    const { server, spans } = await serve({ store, authorize: () => ++admitted > 0 })
    const first = server.post(flushOf('ada', 'a'))
    await expect.poll(waiting).toBe(1)
    const others = [server.post(flushOf('bob', 'b')), server.post(flushOf('eve', 'c'))]
    // They wait for the first.
    await expect.poll(() => admitted).toBe(3)
    await server.get('/healthz')
    open()
    await Promise.all([first, ...others])
    const flushes = spans().filter(({ name }) => name === 'flushout.flush')
    const joined = spans().find(({ attributes }) => attributes['flushout.flushes'] === 2)!
    const parent = flushes.find((flush) => idOf(flush) === joined.parentSpanContext?.spanId)!
    const other = flushes.find((flush) => linked(joined).includes(idOf(flush)))!
    expect(other).not.toBe(parent)
    expect(linked(other)).toEqual([idOf(joined)])
  })

  test('belong to what the application traces, whatever the headers say', async () => {
    const { server, span } = await serve({}, (app, provider) => {
      const tracer = provider.getTracer('application')
      app.addHook('preHandler', (_request, reply, done) => {
        const own = tracer.startSpan('request')
        reply.raw.once('close', () => own.end())
        context.with(trace.setSpan(context.active(), own), done)
      })
    })
    await server.post(flushOf('ada', 'a'), { headers: { traceparent } })
    await expect.poll(() => span('request').ended).toBe(true)
    expect(span('flushout.flush').parentSpanContext?.spanId).toBe(idOf(span('request')))
    expect(span('flushout.flush').spanContext().traceId).not.toBe(TRACE)
  })

  test('what the store does belongs to the statement', async () => {
    const store = memoryStore()
    const active: (string | undefined)[] = []
    const commit: ModelStore['commit'] = async (writes) => {
      active.push(trace.getActiveSpan()?.spanContext().spanId)
      return store.commit(writes)
    }
    const { server, span } = await serve({ store: wrapStore(store, { commit }) })
    await server.post(flushOf('ada', 'a'))
    expect(active).toEqual([idOf(span('flushout.statement'))])
  })

  test('a refusal is told, and is no failure; a store that is down is one', async () => {
    const { server, spans } = await serve({
      store: wrapStore(memoryStore(), {
        load: async () => {
          throw new Error('It is down.')
        },
      }),
      authorize: (_user, action) => action === 'write',
    })
    await server.get(`/models/${KEY}`)
    await server.post(flushOf('ada', 'a'))
    expect(
      spans().map(({ name, attributes, status }) => [
        name,
        attributes['flushout.result'],
        status.code,
      ]),
    ).toEqual([
      ['flushout.read', 'UNAUTHENTICATED', 0],
      ['flushout.flush', 'UNAVAILABLE', 2],
    ])
  })

  test('there are none unless they are asked for', async () => {
    const { server, spans } = await serve({ traces: undefined })
    await server.post(flushOf('ada', 'a'), { headers: { traceparent } })
    expect(spans()).toEqual([])
  })
})
