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

const onlyTodos: Interceptor = (_document, { action, path = [] }) => {
  if (path[0] === 'todos' && path.length === (action === 'create' ? 1 : 2)) return
  return reject('NOT_A_TODO', 'A list holds todos and nothing else.')
}

/** Once a todo has its time, it keeps it. Whoever takes a delete back has the time of before. */
const keepTime: Interceptor = (_document, command, { side, now }) => {
  if (command.action === 'delete') return
  const { createdAt } = command.props ?? {}
  const isFuture = side === 'master' && Number(createdAt) > now
  const isGiven = createdAt !== undefined && (command.action === 'update' || isFuture)
  const isTaken = command.action === 'update' && command.unset?.includes('createdAt')
  if (isGiven || isTaken) return reject('TODO_INVALID', '"createdAt" is not for clients to set.')
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
  intercept: [onlyTodos, keepTime, onMaster],
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
