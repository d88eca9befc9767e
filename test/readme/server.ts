import { allowAnyone, fastifyOptions, flushout, postgresStore } from '@flushout/server'
import Fastify from 'fastify'
import { todoList } from './todo-list.ts'

const app = Fastify({ ...fastifyOptions, logger: { level: 'warn' } })

await app.register(flushout, {
  store: postgresStore({ connectionString: process.env.DATABASE_URL! }),
  authorize: allowAnyone, // or (user, action, key) => boolean
  models: [todoList],
})

await app.listen({ port: Number(process.env.PORT ?? 3000) })
