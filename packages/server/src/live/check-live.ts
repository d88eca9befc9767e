import { FlushoutError, PROTOCOL, type LiveRequest, type PresenceRequest } from '@flushout/core'
import { checkProtocol, compileSchema, demand } from '../check-message.ts'
import type { Schema } from '../schemas.ts'
import { MAX_PLACES, MAX_STATE_LENGTH } from './presence.ts'

/** So many may share a connection beside who holds it. */
const MAX_PEERS = 50

const position: Schema = {
  type: ['object', 'null'],
  required: ['from', 'hash'],
  additionalProperties: false,
  description: 'How far the client is; null to hear of what happens from now on.',
  properties: {
    from: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    hash: { type: 'string', maxLength: 128 },
  },
}
const positions: Schema = { type: 'object', additionalProperties: position }

const feed: Schema = {
  type: 'object',
  required: ['models'],
  additionalProperties: false,
  description: 'The items of one node, in all models that fit, as events.',
  properties: {
    models: { type: 'string', minLength: 1, maxLength: 1024, description: 'A key, or a pattern.' },
    path: { type: 'array', items: { type: 'string' }, maxItems: 64 },
    item: { type: 'string' },
    position: { type: 'string' },
    since: positions,
  },
}

const presence: Schema = {
  type: 'object',
  required: ['token', 'sequence', 'models'],
  additionalProperties: false,
  description: 'What a client tells others about itself.',
  properties: {
    token: { type: 'string', minLength: 8, maxLength: 128 },
    sequence: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    models: {
      type: 'object',
      maxProperties: MAX_PLACES,
      additionalProperties: { type: ['object', 'null'] },
    },
  },
}

/** The messages of clients to the live routes, as JSON Schemas. */
export const liveSchemas: { readonly LiveRequest: Schema; readonly PresenceRequest: Schema } = {
  LiveRequest: {
    type: 'object',
    required: ['protocol'],
    additionalProperties: false,
    description: 'What a client wants to hear of.',
    properties: {
      protocol: { const: PROTOCOL },
      models: positions,
      feeds: { type: 'array', items: feed, maxItems: 100 },
      presence,
      peers: {
        type: 'array',
        items: presence,
        maxItems: MAX_PEERS,
        description: 'Who else shares the connection, as the tabs of one browser do.',
      },
    },
  },
  PresenceRequest: presence,
}

const isLiveRequest = compileSchema(liveSchemas.LiveRequest)
const isPresenceRequest = compileSchema(liveSchemas.PresenceRequest)

/** Throw unless `value` says what somebody wants to hear of. */
export function checkLiveRequest(value: unknown): asserts value is LiveRequest {
  checkProtocol(value)
  demand(isLiveRequest, value)
  const { presence: own, peers = [] } = value as LiveRequest
  for (const request of [own, ...peers]) checkStates(request)
}

/** Throw unless `value` says what somebody does. */
export function checkPresenceRequest(value: unknown): asserts value is PresenceRequest {
  demand(isPresenceRequest, value)
  checkStates(value as PresenceRequest)
}

function checkStates(request: PresenceRequest | undefined): void {
  for (const state of Object.values(request?.models ?? {})) {
    const length = JSON.stringify(state).length
    if (length <= MAX_STATE_LENGTH) continue
    const message = `What somebody does takes at most ${MAX_STATE_LENGTH} characters, not ${length}.`
    throw new FlushoutError('FLUSH_TOO_LARGE', message)
  }
}
