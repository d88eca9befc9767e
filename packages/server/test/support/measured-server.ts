// A server in a process of its own, so that its memory is its own too. Started by
// `startMeasuredServer`; says its address, and then what it takes whenever asked.
import { allowAnyone, fastifyOptions, flushout, postgresStore } from '@flushout/server'
import Fastify from 'fastify'

const [connectionString = '', limits = '{}'] = process.argv.slice(2)

const app = Fastify({ ...fastifyOptions })
await app.register(flushout, {
  store: postgresStore({ connectionString }),
  authorize: allowAnyone,
  models: [{ pattern: 'todos:*', initial: {} }],
  limits: JSON.parse(limits) as object,
})
process.send!(await app.listen({ port: 0, host: '127.0.0.1' }))

process.on('message', () => {
  // Twice: what the first run finalises, the second frees.
  globalThis.gc!()
  globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  process.send!({ heapBytes: heapUsed + external, usage: app.flushout.usage })
})

// Whoever started it is gone.
process.on('disconnect', () => process.exit())
