import type { JsonObject, JsonValue } from '@flushout/core'
import type pg from 'pg'

interface Row {
  path: string[]
  value: JsonValue
}

/** The document that the table of the example holds of a model. */
export async function readView(pool: pg.Pool, key: string): Promise<JsonObject | undefined> {
  const { rows } = await pool.query<Row>(
    `select path, value from node_view where key = $1 and state = 'there'
    order by cardinality(path)`,
    [key],
  )
  let document: JsonObject | undefined
  for (const { path, value } of rows) {
    if (path.length === 0) document = value as JsonObject
    else setAt(document!, path, value)
  }
  return document
}

function setAt(node: JsonObject, [first, ...rest]: string[], value: JsonValue): void {
  if (rest.length === 0) (node as Record<string, JsonValue>)[first!] = value
  else setAt(node[first!] as JsonObject, rest, value)
}
