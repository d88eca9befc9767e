import serveFiles from '@fastify/static'
import { fastifyOptions, flushout, type FlushoutOptions } from '@flushout/server'
import Fastify, { type FastifyInstance } from 'fastify'
import { todoList } from '../todo-list.ts'

/** The server of the app: the models below /flushout, and the built app from `appFolder`. */
export function createServer(store: FlushoutOptions['store'], appFolder: string): FastifyInstance {
  const server = Fastify({ ...fastifyOptions, logger: { level: 'warn' } })
  server.register(flushout, {
    store,
    // A list is for everybody who knows its address; to delete it is for nobody.
    authorize: (_user, action) => action === 'read' || action === 'write',
    models: [todoList],
  })
  server.register(serveFiles, { root: appFolder, index: false })
  server.get('/', (_request, reply) => reply.redirect('/lists/groceries'))
  server.get('/lists/:list', (_request, reply) => reply.sendFile('index.html'))
  return server
}
