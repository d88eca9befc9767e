// Compiled by `tsc -b`, run by nobody: each line below an expected error must not
// compile, every other must.
import type { CommandProxy } from '@flushout/core'
import { defineModel, type DocumentOf, type NamesOf, type Stored } from '@flushout/core/define'
import { type } from 'arktype'
import * as v from 'valibot'
import { expectTypeOf } from 'vitest'
import * as z from 'zod'

interface Todo {
  readonly text: string
  readonly state: 'open' | 'done'
  readonly at?: number
  readonly tags: readonly string[]
}
interface TodoList {
  readonly title: string
  readonly todos: { readonly [id: string]: Todo }
}

// The document is what a schema takes: read-only, and what may be missing is not undefined.
const byZod = defineModel({
  pattern: 'todos:$list',
  schema: z.strictObject({
    title: z.string(),
    todos: z.record(
      z.string(),
      z.strictObject({
        text: z.string().trim(),
        state: z.enum(['open', 'done']),
        at: z.number().optional(),
        tags: z.array(z.string()),
      }),
    ),
  }),
  initial: ({ list }) => ({ title: list, todos: {} }),
})
expectTypeOf<DocumentOf<typeof byZod>>().toEqualTypeOf<TodoList>()

const byValibot = defineModel({
  pattern: 'todos:$list',
  schema: v.strictObject({
    title: v.string(),
    todos: v.record(
      v.string(),
      v.strictObject({
        text: v.pipe(v.string(), v.trim()),
        state: v.picklist(['open', 'done']),
        at: v.optional(v.number()),
        tags: v.array(v.string()),
      }),
    ),
  }),
})
expectTypeOf<DocumentOf<typeof byValibot>>().toEqualTypeOf<TodoList>()

const byArktype = defineModel({
  pattern: 'todos:$list',
  schema: type({
    title: 'string',
    todos: {
      '[string]': { text: 'string', state: "'open' | 'done'", 'at?': 'number', tags: 'string[]' },
    },
  }),
})
expectTypeOf<DocumentOf<typeof byArktype>>().toEqualTypeOf<TodoList>()

// What a schema fills in may be missing in a document.
const withDefault = defineModel({
  pattern: 'a:$b',
  schema: z.object({ count: z.number().default(0) }),
})
expectTypeOf<DocumentOf<typeof withDefault>>().toEqualTypeOf<{ readonly count?: number }>()

// Without a schema, `initial` says it.
const bare = defineModel({ pattern: 'a:$b', initial: (): Todo => null! })
expectTypeOf<DocumentOf<typeof bare>>().toEqualTypeOf<Todo>()

// Paths and props are those of the schema.
declare const list: CommandProxy<DocumentOf<typeof byZod>>
list.update(['todos', 'a'], { state: 'done' }, { unset: ['at'] })
// @ts-expect-error -- no such place in the document
list.update(['taks', 'a'], {})
// @ts-expect-error -- no such state
list.update(['todos', 'a'], { state: 'dnoe' })
// @ts-expect-error -- what is removed is in `unset`
list.update(['todos', 'a'], { at: undefined })
// @ts-expect-error -- a document is read-only
list.read().title = ''

const schema = z.strictObject({ title: z.string() })
// @ts-expect-error -- the first document does not fit
defineModel({ pattern: 'a:$b', schema, initial: { titel: '' } })
// @ts-expect-error -- the key has no such segment
defineModel({ pattern: 'a:$b', schema, initial: ({ c }) => ({ title: c }) })
// @ts-expect-error -- a document is an object
defineModel({ pattern: 'a:$b', schema: z.string() })
// @ts-expect-error -- a model has a pattern
defineModel({ schema })

expectTypeOf<NamesOf<'team:$team:member:$member'>>().toEqualTypeOf<{
  readonly team: string
  readonly member: string
}>()
expectTypeOf<Stored<{ list: { a: (1 | null)[] } }>>().toEqualTypeOf<{
  readonly list: { readonly a: readonly (1 | null)[] }
}>()
