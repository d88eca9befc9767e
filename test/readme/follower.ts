import { followModels, postgresStore } from '@flushout/server'
import pg from 'pg'
import { TABLE, viewChange } from './key-value-view.ts'

const connectionString = process.env.DATABASE_URL!
const store = postgresStore({ connectionString, maxConnections: 5 })
const pool = new pg.Pool({ connectionString })
await pool.query(TABLE)

const follower = followModels({
  store,
  name: 'node-view',
  patterns: ['todos:*'],
  onChange: (change) => viewChange(pool, change),
})

process.on('SIGTERM', async () => {
  await follower.close()
  await store.close()
  await pool.end()
})
