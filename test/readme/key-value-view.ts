import { endOf, type Command, type JsonValue, type Path } from '@flushout/core'
import type { FollowerChange } from '@flushout/server'
import type { Pool, PoolClient } from 'pg'

// What is gone stays as a tombstone: `deleted`, with the count at which it went.
export const TABLE = `create table if not exists node_view (
  key text, path text[], state text, value json, count bigint, primary key (key, path)
)`

/** Bring the table of nodes and values up to what a follower was told. */
export async function viewChange(pool: Pool, change: FollowerChange): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const view = new View(client, change.key)
    if (change.kind === 'entries') {
      for (const entry of change.entries) {
        view.count = endOf(entry)
        for (const command of entry.commands) await view.apply(command)
      }
    } else {
      if (change.kind === 'snapshot') view.count = change.snapshot.commandCount
      await view.delete([])
      if (change.kind === 'snapshot') await view.set([], change.snapshot.document)
    }
    await client.query('commit')
    client.release()
  } catch (error) {
    client.release(true)
    throw error
  }
}

class View {
  count = 0
  readonly #client: PoolClient
  readonly #key: string

  constructor(client: PoolClient, key: string) {
    this.#client = client
    this.#key = key
  }

  async apply(command: Command): Promise<void> {
    const { path = [] } = command
    if (command.action === 'delete') return this.delete(path)
    const { props = {} } = command
    if (command.action === 'create') {
      const { id, parentDefault } = command
      if (parentDefault && !(await this.#has(path))) await this.set(path, parentDefault)
      return this.set([...path, id!], props)
    }
    for (const [name, value] of Object.entries(props)) await this.set([...path, name], value)
    for (const name of command.unset ?? []) await this.delete([...path, name])
  }

  /** Nodes have a row of their own, of value {}; what is in them has others. */
  async set(path: Path, value: JsonValue): Promise<void> {
    await this.delete(path)
    const isNode = typeof value === 'object' && value !== null && !Array.isArray(value)
    await this.#client.query(
      `insert into node_view values ($1, $2, 'there', $3, $4)
      on conflict (key, path) do update set state = 'there', value = $3, count = $4`,
      [this.#key, path, JSON.stringify(isNode ? {} : value), this.count],
    )
    if (!isNode) return
    for (const [name, child] of Object.entries(value)) await this.set([...path, name], child)
  }

  async delete(path: Path): Promise<void> {
    await this.#client.query(
      `update node_view set state = 'deleted', value = null, count = $3
      where key = $1 and path[1:cardinality($2::text[])] = $2 and state = 'there'`,
      [this.#key, path, this.count],
    )
  }

  async #has(path: Path): Promise<boolean> {
    const text = `select 1 from node_view where key = $1 and path = $2 and state = 'there'`
    return (await this.#client.query(text, [this.#key, path])).rows.length > 0
  }
}
