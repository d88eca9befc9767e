import { defineModel } from '@flushout/core/define'
import * as v from 'valibot' // or zod, arktype: any Standard Schema

const todo = v.strictObject({
  text: v.pipe(v.string(), v.minLength(1, 'Write something first.')),
  done: v.boolean(),
})

export const todoList = defineModel({
  pattern: 'todos:$list',
  schema: v.strictObject({ todos: v.record(v.string(), todo) }),
  initial: { todos: {} },
  intercept: [
    (document, command) => {
      if (command.action !== 'create' || document.size(['todos']) < 100) return
      return { reject: { message: 'A list holds at most 100 todos.' } }
    },
  ],
})

// So that `todos:groceries` knows its document wherever it is used.
declare module '@flushout/client' {
  interface Register {
    models: [typeof todoList]
  }
}
