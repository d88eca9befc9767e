import pg from 'pg'

/** As many as our own store has by default. */
const CONNECTIONS = 10

export function createPool(url: string, max = CONNECTIONS): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max })
  // Idle connections are cut at the very end, when the server stops.
  pool.on('error', () => {})
  return pool
}
