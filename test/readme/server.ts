import { allowAnyone, fastifyOptions, flushout, postgresStore } from '@flushout/server'
import Fastify from 'fastify'

const app = Fastify({ ...fastifyOptions, logger: { level: 'warn' } })

await app.register(flushout, {
  store: postgresStore({ connectionString: process.env.DATABASE_URL! }),
  authorize: allowAnyone, // or (user, action, key) => boolean
  models: [
    {
      pattern: 'todos:*',
      initial: { todos: {} },
      interceptors: [
        (document, command) => {
          if (command.action !== 'create' || document.size(['todos']) < 100) return
          return { reject: { message: 'A list holds at most 100 todos.' } }
        },
      ],
    },
  ],
})

await app.listen({ port: Number(process.env.PORT ?? 3000) })
