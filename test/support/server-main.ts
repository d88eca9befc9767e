// A Flushout server in a process of its own, as an application would start one,
// but for the failpoints. Its settings come as JSON in the first argument.
import { fastifyOptions, flushout, postgresStore } from '@flushout/server'
import Fastify from 'fastify'
import pg from 'pg'
import { Failpoints } from './failpoints.ts'
import type { Order, Report, ServerSettings } from './server-process.ts'
import { second, third } from './versions.ts'

const settings = JSON.parse(process.argv[2]!) as ServerSettings
const { url, port = 0, trap, allowAsynchronousCommit = false, lockTimeoutMs = 10_000 } = settings
const definition = [second, third].find(({ versions }) => versions!.version === settings.version)

const pool = new pg.Pool({
  connectionString: url,
  max: 6,
  connectionTimeoutMillis: 5000,
  statement_timeout: 10_000,
  query_timeout: 15_000,
  idle_in_transaction_session_timeout: lockTimeoutMs,
})
pool.on('error', () => {})

const failpoints = new Failpoints()
failpoints.set(trap)
const app = Fastify({ ...fastifyOptions })
failpoints.hookInto(app)
const store = postgresStore({ pool: failpoints.wrapPool(pool), allowAsynchronousCommit })
await app.register(flushout, {
  store: failpoints.wrapStore(store),
  authorize: failpoints.authorize,
  models: [
    definition ?? { pattern: 'todos:*', initial: { todos: {} }, interceptors: [failpoints.rule] },
  ],
  // Small, so that a short run has many of each.
  checkpoint: { bytes: 4096, flushes: 20 },
  history: { last: 50 },
})

const report = (message: Report) => void process.send?.(message)
process.on('message', (order: Order) => {
  if ('trap' in order) failpoints.set(order.trap)
  if ('isTrimming' in order) failpoints.isTrimming = order.isTrimming
  if ('ask' in order) report({ conflicts: failpoints.conflicts })
})
// Whoever started it is gone: nobody else would end it.
process.on('disconnect', () => process.exit(1))
process.on('SIGTERM', () => {
  void app
    .close()
    .then(() => pool.end())
    .then(() => process.exit(0))
})

report({ address: await app.listen({ port, host: '127.0.0.1' }) })
