import type { Interceptor } from '@flushout/client'

/** What is known of one thing to do. */
export interface Todo {
  readonly text: string
  readonly done: boolean
  /** When the master took it, in milliseconds since 1970; missing until then. */
  readonly createdAt?: number
}

/** The document of a model `todos:<name of the list>`. */
export interface TodoList {
  readonly todos: { readonly [id: string]: Todo }
}

const MAX_TODOS = 100
export const MAX_TEXT_LENGTH = 500

/**
 * The rules of a list. The server runs them, and so does the browser, to answer
 * at once; but only the master knows how many todos there are and what time it
 * is, so that is left to it.
 */
export const todoRules: Interceptor = (document, command, { side, now }) => {
  const { action, path = [] } = command
  if (path[0] !== 'todos' || path.length !== (action === 'create' ? 1 : 2)) {
    return reject('NOT_A_TODO', 'A list holds todos and nothing else.')
  }
  if (action === 'delete') return
  const problem = checkProps(command.props ?? {}, action)
  if (problem) return reject('TODO_INVALID', problem)
  if ('unset' in command) return reject('TODO_INVALID', 'A todo keeps its text and its tick.')
  if (action === 'update' || side === 'proxy') return
  if (document.size(['todos']) >= MAX_TODOS) {
    return reject('LIST_FULL', `A list holds at most ${MAX_TODOS} todos. Delete some first.`)
  }
  const createdAt = command.props?.['createdAt'] ?? now
  if (Number(createdAt) > now) return reject('TODO_INVALID', 'That time has not come yet.')
  return { props: { ...command.props, createdAt } }
}

function checkProps(props: Readonly<Record<string, unknown>>, action: 'create' | 'update') {
  const { text, done, createdAt, ...others } = props
  // Whoever takes a delete back has the time of before.
  const isTimeWrong =
    action === 'create' ? typeof (createdAt ?? 0) !== 'number' : 'createdAt' in props
  const other = isTimeWrong ? 'createdAt' : Object.keys(others)[0]
  if (other !== undefined) return `"${other}" is not for clients to set.`
  if (action === 'create' && (text === undefined || done === undefined)) {
    return 'A todo needs a text and a tick.'
  }
  if (text !== undefined && typeof text !== 'string') return 'The text must be a string.'
  if (done !== undefined && typeof done !== 'boolean') return 'Done must be true or false.'
  const length = text?.trim().length ?? 1
  if (length === 0) return 'Write something first.'
  if (length > MAX_TEXT_LENGTH) {
    return `At most ${MAX_TEXT_LENGTH} characters; these are ${length}.`
  }
  return undefined
}

function reject(code: string, message: string) {
  return { reject: { code, message } }
}

/** The ids in order of creation; what is not yet saved comes last. */
export function idsInOrder({ todos }: TodoList): string[] {
  const createdAt = (id: string) => todos[id]!.createdAt ?? Number.MAX_VALUE
  // Ids ascend too, for the todos of one flush and for those not yet saved.
  return Object.keys(todos).sort((a, b) => createdAt(a) - createdAt(b) || (a < b ? -1 : 1))
}
