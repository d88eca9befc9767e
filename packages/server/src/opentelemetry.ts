import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import type { Headers, Observer, Step, Watch } from './observe.ts'

/** What is ours to repair, or the database's; a refusal is neither. */
const FAILURES: ReadonlySet<string> = new Set(['failed', 'INTERNAL', 'UNAVAILABLE', 'BUSY'])

/**
 * Spans for OpenTelemetry: `traces: openTelemetry()`. A flush is a child of the span of its
 * request, or of the `traceparent` that came with it. It has the commit that stored it as a child,
 * and that the statement. What was stored with others is linked to them.
 */
export function openTelemetry(options: { readonly tracer?: Tracer } = {}): Observer {
  return new Traces(options.tracer ?? trace.getTracer('@flushout/server'))
}

class Traces implements Observer {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  receive<Result>(headers: Headers, work: () => Result): Result {
    // The application traces its requests by itself, and has read the headers.
    if (trace.getActiveSpan()) return work()
    return context.with(propagation.extract(context.active(), headers), work)
  }

  begin(step: Step): Watch {
    const name = `flushout.${step.name}`
    const kind = step.name === 'statement' ? SpanKind.CLIENT : SpanKind.INTERNAL
    const attributes = describe(step)
    if (!('of' in step)) {
      const parent = context.active()
      return new SpanWatch(this.#tracer.startSpan(name, { kind, attributes }, parent), parent)
    }
    const causes = step.of as readonly SpanWatch[]
    // One that is sampled, if there is any, or the others would miss it.
    const main = causes.find(({ span }) => span.isRecording()) ?? causes[0]
    const others = causes.filter((cause) => cause !== main)
    const links = others.map(({ span }) => ({ context: span.spanContext() }))
    // Without a cause it is the server's own: what is active belongs to somebody else.
    const parent = main?.context ?? ROOT_CONTEXT
    const span = this.#tracer.startSpan(name, { kind, attributes, links }, parent)
    for (const other of others) other.span.addLink({ context: span.spanContext() })
    return new SpanWatch(span, parent)
  }
}

class SpanWatch implements Watch {
  readonly span: Span
  /** Where what is done for it belongs. */
  readonly context: Context

  constructor(span: Span, parent: Context) {
    this.span = span
    this.context = trace.setSpan(parent, span)
  }

  run<Result>(work: () => Result): Result {
    return context.with(this.context, work)
  }

  end(result: string): void {
    this.span.setAttribute('flushout.result', result)
    if (FAILURES.has(result)) this.span.setStatus({ code: SpanStatusCode.ERROR })
    this.span.end()
  }
}

function describe(step: Step): Attributes {
  switch (step.name) {
    case 'flush':
      return {
        'flushout.kind': step.kind,
        'flushout.model': step.key,
        'flushout.commands': step.commands,
      }
    case 'read':
      return { 'flushout.kind': step.kind, 'flushout.model': step.key }
    case 'commit':
      return { 'flushout.model': step.key, 'flushout.flushes': step.of.length }
    case 'statement':
      return { 'flushout.commits': step.of.length }
  }
}
