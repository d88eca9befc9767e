// What a live connection tells, as a JSON Schema: for readers and for programs
// that are not written in TypeScript. `LiveEvent` of the core is its type.
import type { Schema } from './schemas.ts'

const text: Schema = { type: 'string' }
const count: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const object: Schema = { type: 'object' }
const position: Schema = {
  type: 'object',
  required: ['commandCount', 'hash'],
  properties: { commandCount: count, hash: text },
}

const feedEvent: Schema = {
  oneOf: [
    one('kind', 'publish', { id: text, item: object }),
    one('kind', 'edit', { id: text, command: ref('Command') }),
    one('kind', 'retract', { id: text }),
    one('kind', 'position', { id: text, position: {} }),
    one('kind', 'config', { props: object }),
    one('kind', 'reset', {}),
  ],
}

const peer: Schema = {
  oneOf: [
    { type: 'null', description: 'Somebody left.' },
    {
      type: 'object',
      required: ['userId', 'state'],
      properties: { userId: { oneOf: [text, { type: 'null' }] }, state: object },
    },
  ],
}

/** One thing that a client hears, by its `event`. */
export const liveEventSchema: Schema = {
  description: 'One thing that a client hears. Events that are not known here may be passed over.',
  oneOf: [
    one(
      'event',
      'ready',
      { heartbeatMs: count },
      { peer: text, peers: { type: 'array', items: text } },
    ),
    one('event', 'updates', {
      key: text,
      base: text,
      ...(position['properties'] as object),
      updates: { type: 'array', items: ref('AppliedFlush') },
    }),
    one('event', 'heads', { heads: { type: 'object', additionalProperties: position } }),
    one('event', 'feed', {
      key: text,
      from: count,
      base: text,
      feed: {
        type: 'object',
        properties: { path: { type: 'array', items: text }, item: text, position: text },
      },
      ...(position['properties'] as object),
      clientId: text,
      events: { type: 'array', items: feedEvent },
    }),
    one(
      'event',
      'model',
      { key: text, change: { enum: ['create', 'configure', 'delete'] } },
      { config: object },
    ),
    one(
      'event',
      'refused',
      { models: text, code: text, message: text, retry: text },
      { retryAfterMs: count },
    ),
    one(
      'event',
      'presence',
      { key: text, peers: { type: 'object', additionalProperties: peer } },
      { isAll: { type: 'boolean' } },
    ),
    one('event', 'bye', { retryAfterMs: count }),
  ],
}

/** An object that its `name` tells from others. */
function one(
  name: string,
  value: string,
  required: { readonly [property: string]: Schema },
  optional: { readonly [property: string]: Schema } = {},
): Schema {
  return {
    type: 'object',
    required: [name, ...Object.keys(required)],
    properties: { [name]: { const: value }, ...required, ...optional },
  }
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}
