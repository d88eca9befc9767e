import { defineModel, type DocumentOf } from '@flushout/core/define'
import type { Interceptor } from '@flushout/client'
import * as v from 'valibot'

const MAX_TODOS = 100
export const MAX_TEXT_LENGTH = 500

const todo = v.strictObject({
  text: v.pipe(
    v.string('The text must be a string.'),
    // Spaces around it are kept but do not count.
    v.trim(),
    v.minLength(1, 'Write something first.'),
    v.maxLength(
      MAX_TEXT_LENGTH,
      ({ input }) => `At most ${MAX_TEXT_LENGTH} characters; these are ${input.length}.`,
    ),
  ),
  done: v.boolean('Done must be true or false.'),
  /** When the master took it, in milliseconds since 1970; missing until then. */
  createdAt: v.optional(v.number()),
})

/** Whoever takes a delete back has the time of before, but none of a day to come. */
const noFuture: Interceptor = (_document, command, { side, now }) => {
  if (side === 'proxy' || command.action !== 'create') return
  if (!(Number(command.props?.['createdAt']) > now)) return
  return reject('TODO_INVALID', 'No todo is made in the future.')
}

/** Only the master knows how many todos there are and what time it is, so that is left to it. */
const onMaster: Interceptor = (document, command, { side, now }) => {
  if (side === 'proxy' || command.action !== 'create') return
  if (document.size(['todos']) >= MAX_TODOS) {
    return reject('LIST_FULL', `A list holds at most ${MAX_TODOS} todos. Delete some first.`)
  }
  return { props: { ...command.props, createdAt: command.props?.['createdAt'] ?? now } }
}

function reject(code: string, message: string) {
  return { reject: { code, message } }
}

/** A list by its name: what it looks like and what may be done to it, here and on the server. */
export const todoList = defineModel({
  pattern: 'todos:$list',
  schema: v.strictObject({ todos: v.record(v.string(), todo) }),
  initial: { todos: {} },
  rules: {
    clientEditable: [
      ['todos', '*', 'text'],
      ['todos', '*', 'done'],
    ],
    setOnce: [['todos', '*', 'createdAt']],
  },
  intercept: [noFuture, onMaster],
})

/** The name of the model of a list. */
export type ListKey = `todos:${string}`

/** The document of a list. */
export type TodoList = DocumentOf<typeof todoList>

/** What is known of one thing to do. */
export type Todo = TodoList['todos'][string]

/** The ids in order of creation; what is not yet saved comes last. */
export function idsInOrder({ todos }: TodoList): string[] {
  const createdAt = (id: string) => todos[id]!.createdAt ?? Number.MAX_VALUE
  // Ids ascend too, for the todos of one flush and for those not yet saved.
  return Object.keys(todos).sort((a, b) => createdAt(a) - createdAt(b) || (a < b ? -1 : 1))
}
