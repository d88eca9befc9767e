// The messages of protocol 1 as JSON Schemas (2020-12). The same objects check
// what comes in and are published in the OpenAPI document. They tell the form
// only: whether a command can apply is said by its verdict, because a flush that
// is refused as a whole blocks all that its client does afterwards.
import { PROTOCOL } from '@flushout/core'

/** A JSON Schema, as plain data. */
export type Schema = { readonly [keyword: string]: unknown }

const count: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const text: Schema = { type: 'string' }
const hash: Schema = {
  type: 'string',
  maxLength: 128,
  description: "The history hash at a count; '' where the sender has none.",
}
const version: Schema = { ...count, minimum: 1 }
const path: Schema = {
  type: 'array',
  items: text,
  description: 'Keys from the root of the document down to a node or value.',
}
const jsonObject: Schema = { type: 'object', description: 'Any JSON object.' }

const command: Schema = {
  type: 'object',
  required: ['action'],
  additionalProperties: false,
  description: 'One intended change of a document.',
  properties: {
    action: { type: 'string', description: 'create, update, delete; run: only in a flush' },
    path,
    id: { type: 'string', description: 'create: the key of the new node' },
    props: { ...jsonObject, description: 'create, update: what to set' },
    parentDefault: { ...jsonObject, description: 'create: the parent, if there is none' },
    unset: { type: 'array', items: text, description: 'update: keys to remove' },
    expects: {
      type: 'object',
      description: 'update: the node as its author saw it; else it is a conflict',
      properties: {
        props: { ...jsonObject, description: 'These props hold equal JSON.' },
        unset: { type: 'array', items: text, description: 'These props are not there.' },
        since: { ...count, description: 'Nobody else wrote to the node since this count.' },
      },
    },
    name: { type: 'string', description: 'run: the command that the model names' },
    args: { ...jsonObject, description: 'run: what it is run with' },
  },
}

const rejection: Schema = {
  type: 'object',
  required: ['code', 'message'],
  properties: { code: text, message: text, at: path },
}

const verdict: Schema = {
  type: 'object',
  required: ['index', 'kind'],
  description: 'What became of a command that was not applied as sent and alone.',
  properties: {
    index: count,
    kind: { enum: ['applied', 'amended', 'rejected', 'dropped', 'conflict'] },
    command: ref('Command'),
    followUps: {
      type: 'array',
      items: ref('Command'),
      minItems: 1,
      description: 'applied, amended: what a rule had follow it, or run made, in order.',
    },
    rejection: ref('Rejection'),
    found: {
      ...jsonObject,
      description: 'conflict: what there is of the fields that the command names.',
    },
  },
}

const snapshot: Schema = {
  type: 'object',
  required: ['commandCount', 'hash', 'document'],
  properties: {
    commandCount: count,
    hash,
    document: jsonObject,
    schema: { ...version, description: 'The schema version of the document; else 1.' },
  },
}

const appliedFlush: Schema = {
  type: 'object',
  required: ['from', 'hash', 'clientId', 'sequence'],
  description: 'One entry of the history. Without commands: the flush that is being answered.',
  properties: {
    from: count,
    hash,
    clientId: text,
    sequence: count,
    commands: { type: 'array', items: ref('Command') },
    schema: { ...version, description: 'It brought the document to this schema version.' },
  },
}

const sync: Schema = {
  description: 'What brings the sender up to date.',
  oneOf: [
    { type: 'object', required: ['kind'], properties: { kind: { const: 'none' } } },
    {
      type: 'object',
      required: ['kind', 'updates'],
      properties: {
        kind: { const: 'updates' },
        updates: { type: 'array', items: ref('AppliedFlush') },
      },
    },
    {
      type: 'object',
      required: ['kind', 'snapshot'],
      properties: { kind: { const: 'snapshot' }, snapshot: ref('Snapshot') },
    },
  ],
}

const flushGroup: Schema = {
  type: 'object',
  required: ['at', 'count'],
  additionalProperties: false,
  description: 'A range of the commands that belong together. No two overlap.',
  properties: {
    at: { ...count, description: 'The index of its first command.' },
    count: { ...count, minimum: 1 },
    label: { type: 'string', maxLength: 200, description: 'Kept in the history.' },
    atomic: { const: true, description: 'All of it takes effect, or nothing.' },
    reads: {
      type: 'object',
      required: ['since', 'hash', 'paths'],
      additionalProperties: false,
      description: 'What its author decided by; only of an atomic group.',
      properties: { since: count, hash, paths: { type: 'array', maxItems: 100, items: path } },
    },
  },
}

const flush: Schema = {
  type: 'object',
  required: ['protocol', 'clientId', 'sequence', 'from', 'hash', 'commands'],
  additionalProperties: false,
  properties: {
    protocol: { const: PROTOCOL },
    clientId: { type: 'string', pattern: '^[!-~]{1,128}$' },
    sequence: { ...count, description: 'From 1; 0 without commands.' },
    from: count,
    hash,
    commands: { type: 'array', items: ref('Command') },
    groups: { type: 'array', items: flushGroup, description: 'In order of `at`.' },
    schema: { ...version, description: 'The schema version of the commands; else 1.' },
    readerSchema: { ...version, description: 'What the sender knows, if more than that.' },
  },
}

const flushAnswer: Schema = {
  type: 'object',
  required: [
    'clientId',
    'sequence',
    'outcome',
    'commandCount',
    'hash',
    'verdicts',
    'remaps',
    'sync',
  ],
  properties: {
    clientId: text,
    sequence: count,
    outcome: { enum: ['applied', 'repeated'] },
    commandCount: count,
    hash,
    verdicts: { type: 'array', items: ref('Verdict') },
    remaps: {
      type: 'array',
      items: { type: 'object', required: ['from', 'to'], properties: { from: path, to: path } },
    },
    sync: ref('Sync'),
  },
}

const pullAnswer: Schema = {
  type: 'object',
  required: ['commandCount', 'hash', 'sync'],
  properties: { commandCount: count, hash, sync: ref('Sync') },
}

const entryNote: Schema = {
  type: 'object',
  required: ['index'],
  description: 'What is known of a command besides.',
  properties: {
    index: { ...count, description: 'Of the command in `commands`.' },
    label: { type: 'string', description: 'What its author called it.' },
    atomic: { const: true, description: 'It took effect as a whole.' },
    reads: {
      type: 'object',
      required: ['since', 'paths'],
      description: 'What its author decided by, having seen so many commands.',
      properties: { since: count, paths: { type: 'array', items: path } },
    },
    count: { ...count, description: 'For how many commands that is; 1 if missing.' },
    cause: { ...count, description: 'The index of the command that it follows, by a rule.' },
    run: {
      type: 'object',
      required: ['name', 'count'],
      description: 'It and those after it were made by a named command.',
      properties: {
        name: text,
        args: { ...jsonObject, description: 'What it was run with.' },
        count: { ...count, description: 'How many it made.' },
      },
    },
    merged: {
      type: 'object',
      required: ['sent', 'base'],
      description: 'The command was made of a conflict.',
      properties: {
        sent: ref('Command'),
        found: { ...jsonObject, description: 'What was there.' },
        base: { ...count, description: 'The count that its author had before them.' },
      },
    },
  },
}

const historyEntry: Schema = {
  type: 'object',
  required: ['from', 'to', 'clientId', 'userId', 'at', 'commands'],
  description: 'One applied flush: who, when and what.',
  properties: {
    from: count,
    to: { ...count, description: 'The version that it made.' },
    clientId: text,
    userId: { type: ['string', 'null'] },
    at: { ...count, description: 'Milliseconds since 1970.' },
    commands: { type: 'array', items: ref('Command') },
    notes: { type: 'array', items: entryNote },
  },
}

const historyPage: Schema = {
  type: 'object',
  required: ['entries'],
  description: 'A part of a history, the newest first.',
  properties: {
    entries: { type: 'array', items: ref('HistoryEntry') },
    before: { ...count, description: 'Ask with it for what is older; missing where nothing is.' },
    isTrimmed: { const: true, description: 'Older history is not held any more.' },
  },
}

const error: Schema = {
  type: 'object',
  required: ['code', 'message', 'retry'],
  properties: {
    code: { type: 'string', description: 'Stable; tell errors apart by it.' },
    message: { type: 'string', description: 'For people.' },
    retry: { enum: ['never', 'same-flush', 'after-resync', 'after-auth', 'after-upgrade'] },
    retryAfterMs: count,
  },
}

/** Every message by its name. They refer to each other as `#/components/schemas/…`. */
export const schemas: { readonly [name: string]: Schema } = {
  Command: command,
  Rejection: rejection,
  Verdict: verdict,
  Snapshot: snapshot,
  AppliedFlush: appliedFlush,
  Sync: sync,
  Flush: flush,
  FlushAnswer: flushAnswer,
  PullAnswer: pullAnswer,
  HistoryEntry: historyEntry,
  HistoryPage: historyPage,
  Error: error,
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}
