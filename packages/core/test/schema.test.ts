import { CommandProxy, type Command, type Interceptor, type JsonObject } from '@flushout/core'
import { defineModel, type StandardSchema } from '@flushout/core/define'
import { createTestIds } from '@flushout/core/testing'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const code = (wanted: string): unknown => expect.objectContaining({ code: wanted })

const schemas: readonly (readonly [string, StandardSchema<object>, Words])[] = [
  [
    'zod',
    z.strictObject({
      title: z.string().max(10),
      owner: z.strictObject({ name: z.string() }).optional(),
      todos: z.record(
        z.string(),
        z.strictObject({
          text: z.string().min(1, 'Write something first.'),
          done: z.boolean(),
          tags: z.array(z.string()).optional(),
        }),
      ),
    }),
    { boolean: /expected boolean/, missing: /expected string/, unknown: /"dnoe"/ },
  ],
  [
    'valibot',
    v.strictObject({
      title: v.pipe(v.string(), v.maxLength(10)),
      owner: v.optional(v.strictObject({ name: v.string() })),
      todos: v.record(
        v.string(),
        v.strictObject({
          text: v.pipe(v.string(), v.minLength(1, 'Write something first.')),
          done: v.boolean(),
          tags: v.optional(v.array(v.string())),
        }),
      ),
    }),
    { boolean: /Expected boolean/, missing: /Expected "text"/, unknown: /Expected never/ },
  ],
  [
    'arktype',
    type({
      '+': 'reject',
      title: 'string <= 10',
      'owner?': { '+': 'reject', name: 'string' },
      todos: {
        '[string]': {
          '+': 'reject',
          text: type('string > 0').configure({ message: 'Write something first.' }),
          done: 'boolean',
          'tags?': 'string[]',
        },
      },
    }),
    { boolean: /must be boolean/, missing: /Write something|must be/, unknown: /must be removed/ },
  ],
]

/** What the libraries say. */
interface Words {
  readonly boolean: RegExp
  readonly missing: RegExp
  readonly unknown: RegExp
}

/** Give `commands` to a proxy with `document`: the refusal of the last, if there is one. */
function give(
  schema: StandardSchema<object>,
  document: JsonObject,
  commands: Command | readonly Command[],
  intercept: readonly Interceptor[] = [],
) {
  const { interceptors } = defineModel({ pattern: 'todos:$list', schema, intercept })
  const proxy = new CommandProxy(
    { commandCount: 0, hash: '', document },
    { createId: createTestIds('a'), now: () => 0, interceptors },
  )
  let rejection
  for (const command of [commands].flat()) rejection = proxy.apply(command).rejection
  return { rejection, document: proxy.read() }
}

const todos = { a: { text: 'Milk', done: false }, b: { text: 'Bread', done: true } }
const list: JsonObject = { title: 'Shop', todos }

describe.each(schemas)('%s', (_name, schema, words) => {
  test('lets pass what fits', () => {
    const commands: Command[] = [
      { action: 'create', path: ['todos'], id: 'c', props: { text: 'Tea', done: false } },
      { action: 'update', path: ['todos', 'c'], props: { done: true, tags: ['x'] } },
      { action: 'update', path: ['todos', 'c'], unset: ['tags'] },
      { action: 'update', props: { title: 'Shopping' } },
      { action: 'create', path: [], id: 'owner', props: { name: 'Ada' } },
      { action: 'delete', path: ['owner'] },
      { action: 'delete', path: ['todos', 'a'] },
    ]
    for (let count = 1; count <= commands.length; count += 1) {
      expect(give(schema, list, commands.slice(0, count)).rejection).toBeUndefined()
    }
  })

  test.each<[string, Command, string[], RegExp | keyof Words]>([
    [
      'a wrong type',
      { action: 'update', path: ['todos', 'a'], props: { done: 'yes' } },
      ['todos', 'a', 'done'],
      'boolean',
    ],
    [
      'a value that breaks a rule',
      { action: 'update', path: ['todos', 'a'], props: { text: '' } },
      ['todos', 'a', 'text'],
      /^Write something first\.$/,
    ],
    [
      'a create that lacks a prop',
      { action: 'create', path: ['todos'], id: 'c', props: { done: true } },
      ['todos', 'c', 'text'],
      'missing',
    ],
    [
      'a removal of what has to be there',
      { action: 'update', path: ['todos', 'a'], unset: ['text'] },
      ['todos', 'a', 'text'],
      'missing',
    ],
    ['a delete of what has to be there', { action: 'delete', path: ['title'] }, ['title'], /./],
    [
      'something in a list',
      { action: 'update', path: ['todos', 'a'], props: { tags: ['x', 1] } },
      ['todos', 'a', 'tags', '1'],
      /string/i,
    ],
  ])('refuses %s, with its place and its own words', (_what, command, at, words_) => {
    const { rejection, document } = give(schema, list, command)
    expect(rejection).toMatchObject({ code: 'SCHEMA_INVALID', at })
    expect(rejection?.message).toMatch(words_ instanceof RegExp ? words_ : words[words_])
    expect(document).toEqual(list)
  })

  test.each<[string, Command]>([
    ['an update', { action: 'update', path: ['todos', 'a'], props: { done: true, dnoe: true } }],
    [
      'a create',
      {
        action: 'create',
        path: ['todos'],
        id: 'c',
        props: { text: 'Tea', done: true, dnoe: true },
      },
    ],
    ['the document', { action: 'update', props: { dnoe: true } }],
    ['a place that it makes', { action: 'create', path: ['dnoe'], parentDefault: {} }],
  ])('refuses what it does not know, in %s', (_what, command) => {
    const { rejection } = give(schema, list, command)
    expect(rejection?.code).toBe('SCHEMA_INVALID')
    expect(rejection?.message).toMatch(words.unknown)
  })

  test('refuses a wrong value in the place of one that is wrong in the same way', () => {
    const old = { title: 'Shop', todos: { a: { text: 'Milk', done: 'yes' } } }
    const update: Command = { action: 'update', path: ['todos', 'a'], props: { done: 'no' } }
    expect(give(schema, old, update).rejection?.at).toEqual(['todos', 'a', 'done'])
  })

  test('says nothing of what was wrong before and is not touched', () => {
    const old = { title: 'Much too long a title', todos: { a: { text: '', done: 'yes' } } }
    expect(
      give(schema, old, { action: 'update', path: ['todos', 'a'], props: { done: true } })
        .rejection,
    ).toBeUndefined()
    const unset: Command = { action: 'update', path: ['todos', 'a'], unset: ['text'] }
    expect(give(schema, { todos: { a: { done: true } } }, unset).rejection).toBeUndefined()
    expect(give(schema, old, { action: 'delete', path: ['todos', 'a'] }).rejection).toBeUndefined()
    expect(
      give(schema, { todos: {} }, { action: 'delete', path: ['title'] }).rejection,
    ).toBeUndefined()
  })
})

test('refuses what zod and valibot would drop without a word', () => {
  const command: Command = {
    action: 'update',
    path: ['todos', 'a'],
    props: { done: true, isAdmin: true },
  }
  const expected = { code: 'SCHEMA_INVALID', at: ['todos', 'a', 'isAdmin'] }
  const shape = { text: z.string(), done: z.boolean() }
  expect(
    give(z.object({ todos: z.record(z.string(), z.object(shape)) }), { todos }, command).rejection,
  ).toMatchObject(expected)
  const loose = z.object({ todos: z.record(z.string(), z.looseObject(shape)) })
  expect(give(loose, { todos }, command).rejection).toBeUndefined()
  const item = v.object({ text: v.string(), done: v.boolean() })
  expect(
    give(v.object({ todos: v.record(v.string(), item) }), { todos }, command).rejection,
  ).toMatchObject(expected)
})

describe('what is around a command', () => {
  const shape = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('circle'), size: z.strictObject({ radius: z.number() }) }),
    z.strictObject({ kind: z.literal('box'), size: z.strictObject({ width: z.number() }) }),
  ])
  const span = z
    .strictObject({ start: z.number(), end: z.number(), note: z.string().optional() })
    .refine(({ start, end }) => start < end, 'It ends before it begins.')

  test('tells which of several forms a node has', () => {
    const schema = z.strictObject({ shapes: z.record(z.string(), shape) })
    const document = { shapes: { a: { kind: 'box', size: { width: 1 } } } }
    const resize = (props: JsonObject): Command => ({
      action: 'update',
      path: ['shapes', 'a', 'size'],
      props,
    })
    expect(give(schema, document, resize({ width: 2 })).rejection).toBeUndefined()
    expect(give(schema, document, resize({ width: '2' })).rejection?.code).toBe('SCHEMA_INVALID')
    expect(give(schema, document, resize({ radius: 2 })).rejection?.code).toBe('SCHEMA_INVALID')
  })

  test('is held against what is changed beside it, but only a change for the worse counts', () => {
    const schema = z.strictObject({ spans: z.record(z.string(), span) })
    const update = (props: JsonObject): Command => ({
      action: 'update',
      path: ['spans', 'a'],
      props,
    })
    const right = { spans: { a: { start: 1, end: 2 } } }
    expect(give(schema, right, update({ start: 3 })).rejection).toEqual({
      code: 'SCHEMA_INVALID',
      message: 'It ends before it begins.',
      at: ['spans', 'a'],
    })
    const elsewhere = z.strictObject({
      spans: z.record(
        z.string(),
        z
          .strictObject({ start: z.number(), end: z.number() })
          .refine(({ start, end }) => start < end, { path: ['end'] }),
      ),
    })
    expect(give(elsewhere, right, update({ start: 3 })).rejection?.at).toEqual([
      'spans',
      'a',
      'end',
    ])
    const wrong = { spans: { a: { start: 3, end: 2 } } }
    expect(give(schema, wrong, update({ note: 'odd' })).rejection).toBeUndefined()
  })

  test('does not count where it is too large to be looked at', () => {
    const ordered = z
      .strictObject({
        order: z.array(z.string()),
        todos: z.record(z.string(), z.strictObject({ text: z.string() })),
        hidden: z.record(z.string(), z.literal(true)).optional(),
      })
      .refine(({ order, todos }) => order.every((id) => todos[id]), 'The order names no todo.')
      .refine(({ order, hidden }) => order.every((id) => !hidden || hidden[id]), 'Not hidden.')
    const reorder = (order: string[]): Command => ({ action: 'update', props: { order } })
    const few = { order: [], todos: { a: { text: 'x' } } }
    expect(give(ordered, few, reorder(['b'])).rejection?.message).toBe('The order names no todo.')
    const wide = {
      order: [],
      todos: many(1000, () => ({ text: 'x' })),
      hidden: many(1000, () => true),
    }
    expect(give(ordered, wide, reorder(['id-1'])).rejection).toBeUndefined()
  })

  test('may have many fields: what is not known is found all the same', () => {
    const names = Array.from({ length: 100 }, (_, index) => `field${index}`)
    const item = z.object({ text: z.string() })
    const schema = z.object(
      Object.fromEntries(names.map((name) => [name, z.record(z.string(), item)])),
    )
    const document = Object.fromEntries(names.map((name) => [name, { a: { text: 'x' } }]))
    const update = (props: JsonObject): Command => ({
      action: 'update',
      path: ['field7', 'a'],
      props,
    })
    expect(give(schema, document, update({ text: 'y' })).rejection).toBeUndefined()
    expect(give(schema, document, update({ text: 7 })).rejection?.at).toEqual([
      'field7',
      'a',
      'text',
    ])
    expect(give(schema, document, update({ txet: 'y' })).rejection?.at).toEqual([
      'field7',
      'a',
      'txet',
    ])
  })

  test('may be wide: what is not known is found all the same', () => {
    const schema = z.object({
      todos: z.record(z.string(), z.object({ text: z.string() })),
      tasks: z.record(z.string(), z.object({ text: z.string() })),
    })
    const document = {
      todos: many(1000, () => ({ text: 'x' })),
      tasks: many(1000, () => ({ text: 'x' })),
    }
    const update = (props: JsonObject): Command => ({
      action: 'update',
      path: ['todos', 'id-500'],
      props,
    })
    expect(give(schema, document, update({ text: 'y' })).rejection).toBeUndefined()
    expect(give(schema, document, update({ txet: 'y' })).rejection?.at).toEqual([
      'todos',
      'id-500',
      'txet',
    ])
  })
})

function many<T>(count: number, make: (index: number) => T): { [id: string]: T } {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`id-${index}`, make(index)]),
  )
}

describe('rules with a schema', () => {
  const schema = z.strictObject({
    todos: z.record(
      z.string(),
      z.strictObject({ text: z.string().min(1), at: z.number().optional() }),
    ),
  })
  const add = (props: JsonObject): Command => ({
    action: 'create',
    path: ['todos'],
    id: 'c',
    props,
  })

  test('see only commands that fit', () => {
    const seen: Command[] = []
    const rule: Interceptor = (_document, command) => void seen.push(command)
    give(schema, { todos: {} }, [add({ text: 7 }), add({ text: 'Tea' })], [rule])
    expect(seen).toMatchObject([{ props: { text: 'Tea' } }])
  })

  test('cannot make of a command what does not fit', () => {
    const shorten: Interceptor = (_document, command) =>
      command.action === 'create' ? { props: { text: '' } } : undefined
    const { rejection } = give(schema, { todos: {} }, add({ text: 'Tea' }), [shorten])
    expect(rejection).toMatchObject({ code: 'SCHEMA_INVALID', at: ['todos', 'c', 'text'] })
  })

  test('and what they let follow has to fit', () => {
    const follow: Interceptor = (_document, _command, { cause }) =>
      cause
        ? undefined
        : { follow: [{ action: 'update', path: ['todos', 'c'], props: { at: 'now' } }] }
    const { rejection } = give(schema, { todos: {} }, add({ text: 'Tea' }), [follow])
    expect(rejection?.code).toBe('FOLLOW_UP_REJECTED')
    expect(rejection?.message).toContain('SCHEMA_INVALID')
  })
})

describe('a definition is refused', () => {
  test.each<[string, StandardSchema<object>]>([
    ['with a schema that answers later', v.objectAsync({})],
    ['with a schema that is none', { kind: 'object' } as never],
  ])('%s', (_what, schema) => {
    expect(() => defineModel({ pattern: 'todos:$list', schema })).toThrow(code('OPTIONS_INVALID'))
  })

  test('with a first document that does not fit', () => {
    const schema = z.strictObject({ todos: z.record(z.string(), z.string()), name: z.string() })
    // @ts-expect-error -- nor does it compile
    expect(() => defineModel({ pattern: 'a:$b', schema, initial: { todos: {} } })).toThrow(
      code('OPTIONS_INVALID'),
    )
    const { initial } = defineModel({
      pattern: 'a:$b',
      schema,
      initial: ({ b }) => ({ todos: {}, name: b === 'x' ? (7 as never) : b }),
    })
    expect(initial?.('a:y')).toEqual({ todos: {}, name: 'y' })
    expect(() => initial?.('a:x')).toThrow('does not fit its schema: at "name"')
  })
})

test('a check that answers later refuses what it is asked about', () => {
  const text = z.string().refine(async () => true)
  const schema = z.strictObject({ todos: z.record(z.string(), z.strictObject({ text })) })
  const command: Command = { action: 'create', path: ['todos'], props: { text: 'Tea' } }
  expect(give(schema, { todos: {} }, command).rejection).toMatchObject({
    code: 'SCHEMA_INVALID',
    message: 'The schema answers later, not at once.',
  })
})

test('a schema is asked about as much in a list of 100,000 as in one of 1,000', () => {
  const asked: number[] = []
  const schema: StandardSchema<object> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate(value) {
        asked.push(JSON.stringify(value).length)
        return { value }
      },
    },
  }
  const command: Command = { action: 'update', path: ['todos', 'id-7'], props: { done: true } }
  for (const count of [1000, 100_000]) {
    const wide = {
      text: 'x'.repeat(20 * count),
      list: [Array.from({ length: count }, () => ({}))],
      todos: many(count, () => ({ text: 'x' })),
      tasks: many(count, () => ({ text: 'x' })),
    }
    expect(give(schema, wide, command).rejection).toBeUndefined()
  }
  // The first is what a definition is tried with.
  expect(asked[3]).toBe(asked[1])
  expect(asked[1]).toBeLessThan(100)
})
