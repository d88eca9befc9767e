// What each route takes and answers, for the OpenAPI document.
import type { Schema } from './schemas.ts'

const MEANING: { readonly [status: number]: string } = {
  304: 'The snapshot is the one that the client has.',
  400: 'The message is malformed; `message` names the place.',
  401: 'Nobody is logged in.',
  403: 'This user may not, or is another than the client works for.',
  404: 'There is no such model.',
  409: 'Client and server disagree about the past.',
  413: 'It is too large.',
  426: 'The client speaks another version of the protocol.',
  429: 'Too often; try the same again later.',
  503: 'Try the same again later.',
}

const text: Schema = { type: 'string' }

const keyParameter: Schema = {
  name: 'key',
  in: 'path',
  required: true,
  schema: { type: 'string', minLength: 1 },
  description: 'The model, as `todos:groceries`.',
}

const claim: Schema = {
  name: 'flushout-user',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description: 'Whom the client works for, percent-encoded: refused if another is logged in.',
}

const readModel: Schema = {
  operationId: 'readModel',
  description: 'The snapshot, now or as it once was; or, with `from`, what came since then.',
  parameters: [
    keyParameter,
    claim,
    query('from', { type: 'integer', minimum: 0 }, 'The count that the client confirmed.'),
    query('hash', { type: 'string', maxLength: 128 }, 'The history hash at that count.'),
    query('at', { type: 'integer', minimum: 0 }, 'Alone: the document as it was at this count.'),
  ],
  responses: {
    200: {
      description: 'A snapshot without `from`, with it a pull answer.',
      headers: { etag: { schema: { type: 'string' }, description: 'Of a snapshot: its hash.' } },
      ...json({ anyOf: [ref('Snapshot'), ref('PullAnswer')] }),
    },
    304: { description: MEANING[304] },
    ...errors(400, 401, 403, 404, 409, 429, 503),
  },
}

const readHistory: Schema = {
  operationId: 'readHistory',
  description: 'Who did what and when, the newest first.',
  parameters: [
    keyParameter,
    claim,
    query('before', { type: 'integer', minimum: 0 }, 'Only what began before this count.'),
    query('limit', { type: 'integer', minimum: 1, maximum: 200 }, 'How many; 50 if left out.'),
    query('path', { type: 'array', items: text }, 'Only what wrote at, above or below this path.'),
  ],
  responses: {
    200: { description: 'A page of it.', ...json(ref('HistoryPage')) },
    ...errors(400, 401, 403, 404, 429, 503),
  },
}

const flushModel: Schema = {
  operationId: 'flushModel',
  description: 'Apply a flush. Refused commands are listed in `verdicts` of a success.',
  parameters: [keyParameter, claim],
  requestBody: { required: true, ...json(ref('Flush')) },
  responses: {
    200: { description: 'What became of it.', ...json(ref('FlushAnswer')) },
    ...errors(400, 401, 403, 404, 409, 413, 426, 429, 503),
  },
}

const listModels: Schema = {
  operationId: 'listModels',
  description: 'The models that fit a pattern and that the user may read, by key.',
  parameters: [
    claim,
    { ...query('pattern', text, 'As `team:353:*`; or a key.'), required: true },
    query('after', text, 'Only models behind this key: `next` of the page before.'),
    query('limit', { type: 'integer', minimum: 1, maximum: 1000 }, 'How many; 100 if left out.'),
  ],
  responses: {
    200: { description: 'A page of them.', ...json(ref('ModelPage')) },
    ...errors(400, 401, 403, 429, 503),
  },
}

const findModel: Schema = {
  operationId: 'findModel',
  description: 'Whether there is such a model. Makes none.',
  parameters: [keyParameter, claim],
  responses: {
    200: { description: 'There is.' },
    ...Object.fromEntries(
      [400, 401, 403, 404, 429, 503].map((status) => [status, { description: MEANING[status] }]),
    ),
  },
}

const createModel: Schema = {
  operationId: 'createModel',
  description: 'Make a model, unless it is there already; then nothing changes.',
  parameters: [keyParameter, claim],
  requestBody: { required: false, ...json(ref('NewModel')) },
  responses: {
    200: { description: 'It was there; this is what it is.', ...json(ref('ModelEntry')) },
    201: { description: 'It was made.', ...json(ref('ModelEntry')) },
    ...errors(400, 401, 403, 404, 413, 429, 503),
  },
}

const configureModel: Schema = {
  operationId: 'configureModel',
  description: 'Put another config in place of the one before.',
  parameters: [keyParameter, claim],
  requestBody: { required: true, ...json(ref('ModelConfig')) },
  responses: {
    200: {
      description: 'What it is now.',
      ...json({ type: 'object', properties: { key: text, config: { type: 'object' } } }),
    },
    ...errors(400, 401, 403, 404, 413, 429, 503),
  },
}

const eraseValue: Schema = {
  operationId: 'eraseValue',
  description: 'Erase a value for good, from the document and from its history.',
  parameters: [
    keyParameter,
    claim,
    { ...query('path', { type: 'array', items: text }, 'Its keys.'), required: true },
  ],
  responses: {
    200: { description: 'From how much it was erased.', ...json(ref('Erased')) },
    ...errors(400, 401, 403, 404, 409, 429, 503),
  },
}

const deleteModel: Schema = {
  operationId: 'deleteModel',
  description: 'Take a model away for good, with its history.',
  parameters: [keyParameter, claim],
  responses: { 204: { description: 'It is gone.' }, ...errors(400, 401, 403, 404, 429, 503) },
}

const eventStream: Schema = {
  'text/event-stream': { schema: { type: 'string', description: 'Each `data` is a LiveEvent.' } },
}

const connectLive: Schema = {
  operationId: 'connectLive',
  description: 'Hear of models as long as the answer lasts; or, accepting JSON, the next news.',
  parameters: [claim],
  requestBody: { required: true, ...json(ref('LiveRequest')) },
  responses: {
    200: {
      description: 'A stream of events; or, after a while, the events that came.',
      content: {
        ...eventStream,
        'application/json': {
          schema: {
            type: 'object',
            required: ['events'],
            properties: { events: { type: 'array', items: ref('LiveEvent') } },
          },
        },
      },
    },
    ...errors(400, 401, 403, 413, 426, 429, 503),
  },
}

const followModels: Schema = {
  operationId: 'followModels',
  description: 'The same stream for `EventSource` and curl.',
  parameters: [
    claim,
    query('models', text, 'Keys, percent-encoded, with commas; each may go on `@count@hash`.'),
    {
      name: 'last-event-id',
      in: 'header',
      required: false,
      schema: text,
      description: 'Where the stream before ended; instead of `models`.',
    },
  ],
  responses: {
    200: { description: 'A stream of events.', content: eventStream },
    ...errors(400, 401, 403, 429, 503),
  },
}

const tellPresence: Schema = {
  operationId: 'tellPresence',
  description: 'Tell others what this client does, while it is connected.',
  parameters: [claim],
  requestBody: { required: true, ...json(ref('PresenceRequest')) },
  responses: {
    204: { description: 'They will hear.' },
    ...errors(400, 401, 403, 404, 413, 429, 503),
  },
}

function query(name: string, schema: Schema, description: string): Schema {
  return { name, in: 'query', required: false, schema, description }
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

function json(schema: Schema): Schema {
  return { content: { 'application/json': { schema } } }
}

/** The answers of these statuses: each an error of the catalogue. */
export function errors(...statuses: number[]): Schema {
  return Object.fromEntries(
    statuses.map((status) => [status, { description: MEANING[status], ...json(ref('Error')) }]),
  )
}

/** What can be asked of models, by path and method. */
export const operations: Schema = {
  '/models': { get: listModels },
  '/models/{key}': {
    get: readModel,
    head: findModel,
    put: createModel,
    patch: configureModel,
    delete: deleteModel,
  },
  '/models/{key}/flush': { post: flushModel },
  '/models/{key}/history': { get: readHistory, delete: eraseValue },
  '/live': { get: followModels, post: connectLive },
  '/presence': { post: tellPresence },
}
