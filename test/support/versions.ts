// One kind of models as it was, is, and will be.
import type { JsonObject } from '@flushout/core'
import { defineModel, type ModelDefinition } from '@flushout/core/define'

const pattern = 'todos:$list'
const initial: JsonObject = { todos: {} }

/** Todos have a `text`. */
export const first: ModelDefinition = defineModel({ pattern, initial })

/** Todos have a `title` in place of the `text`. */
export const second: ModelDefinition = defineModel({
  pattern,
  initial,
  version: 2,
  migrate: { 2: renameAll },
  migrateCommand: {
    2(command) {
      if (command.action === 'delete') return command.path[2] === 'text' ? undefined : command
      const { props } = command
      return props && 'text' in props ? { ...command, props: rename(props) } : command
    },
  },
})

/** Todos have a `color` besides, which who knows only the second version leaves alone. */
export const third: ModelDefinition = defineModel({
  pattern,
  initial,
  version: 3,
  oldestClient: 2,
  migrate: {
    2: renameAll,
    3: (document: { todos: Record<string, JsonObject> }) => {
      for (const [id, todo] of Object.entries(document.todos)) {
        document.todos[id] = { color: 'grey', ...todo }
      }
    },
  },
  migrateCommand: {
    3: (command) =>
      command.action === 'create'
        ? { ...command, props: { color: 'grey', ...command.props } }
        : command,
  },
})

function renameAll(document: { todos: Record<string, JsonObject> }): object {
  const todos = Object.entries(document.todos).map(([id, todo]) => [id, rename(todo)])
  return { ...document, todos: Object.fromEntries(todos) as JsonObject }
}

function rename({ text, ...rest }: JsonObject): JsonObject {
  return { ...rest, ...(text !== undefined && { title: text }) }
}
