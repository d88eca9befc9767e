import { createIdFactory, type JsonObject } from '@flushout/core'
import { getRandomValues } from 'node:crypto'

/** A list of todos, each with a text and whether it is done. */
export interface TodoList {
  readonly document: JsonObject
  readonly ids: readonly string[]
}

/** Ids as a browser makes them. */
export const createId: () => string = createIdFactory({
  now: () => Date.now(),
  fillRandom: (bytes) => void getRandomValues(bytes as Uint8Array<ArrayBuffer>),
})

export function makeList(size: number): TodoList {
  const ids = Array.from({ length: size }, createId)
  const todos = Object.fromEntries(
    ids.map((id, n) => [id, { text: `Todo number ${n}`, done: false }]),
  )
  return { document: { todos }, ids }
}

/** Gives ids in an order that a processor cannot foresee, the same each time it is made. */
export function walk(ids: readonly string[]): () => string {
  let at = 0
  // A prime, so that every size below is gone through whole.
  return () => ids[(at = (at + 7_919) % ids.length)]!
}
