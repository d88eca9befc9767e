import type { Command, DocumentView, JsonObject, User } from '@flushout/core'
import {
  allowAnyone,
  flushout,
  memoryStore,
  type Action,
  type FlushoutOptions,
} from '@flushout/server'
import Fastify from 'fastify'
import { expectTypeOf } from 'vitest'

interface Member extends User {
  readonly isAdmin: boolean
}

const app = Fastify()
const store = memoryStore()

// What is written in place knows the types of its arguments.
void app.register(flushout, {
  store,
  authorize: (user, action, key) => {
    expectTypeOf(user).toEqualTypeOf<User | undefined>()
    expectTypeOf(action).toEqualTypeOf<Action>()
    expectTypeOf(key).toEqualTypeOf<string>()
    return true
  },
  models: [
    {
      pattern: 'todos:*',
      initial: { todos: {} },
      interceptors: [
        (document, command) => {
          expectTypeOf(document).toEqualTypeOf<DocumentView>()
          expectTypeOf(command).toEqualTypeOf<Command>()
        },
      ],
    },
  ],
})

// Functions over the application's own users fit.
const options: FlushoutOptions<Member> = {
  store,
  user: (): Member => ({ id: 'ada', isAdmin: true }),
  authorize: (user) => user?.isAdmin === true,
  models: [
    {
      pattern: 'todos:*',
      interceptors: [
        (_document, _command, { user }) =>
          user?.isAdmin ? undefined : { reject: { message: 'Only admins.' } },
      ],
      resolve: ({ command, found, context }) => {
        expectTypeOf(found).toEqualTypeOf<JsonObject>()
        return context.user?.isAdmin ? { props: command.props ?? {}, unset: ['x'] } : undefined
      },
    },
  ],
}
void app.register(flushout, options)

// @ts-expect-error nobody may do anything without `authorize`
void app.register(flushout, { store, models: [{ pattern: 'a' }] })

// @ts-expect-error a user has an id
void app.register(flushout, { store, authorize: allowAnyone, models: [], user: () => ({}) })
