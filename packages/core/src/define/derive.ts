/** Of values that are no objects, so many different ones are remembered at a place. */
const MAX_VALUES = 100

/** The results for those arguments that begin in the same way. */
interface Memory {
  readonly objects: WeakMap<object, Memory>
  readonly values: Map<unknown, Memory>
  result?: { readonly value: unknown }
}

/**
 * `compute` with a memory: for arguments that it was given before it gives the result of then.
 * What commands leave as it is in a document keeps its identity, so give it the parts that it
 * reads: `derive((todos, filter) => …)` is computed once for each state of these, however many
 * components show it. As a selector of `useFlushout` it is given the document. Results of
 * documents that are gone are forgotten. `compute` depends on nothing but its arguments, and
 * what it gives is shared: change nothing in it.
 */
export function derive<Args extends readonly unknown[], Result>(
  compute: (...args: Args) => Result,
): (...args: Args) => Result {
  const memory = createMemory()
  return (...args) => {
    let found = memory
    for (const arg of args) found = step(found, arg)
    found.result ??= { value: compute(...args) }
    return found.result.value as Result
  }
}

function step(memory: Memory, arg: unknown): Memory {
  const isObject = (typeof arg === 'object' && arg !== null) || typeof arg === 'function'
  const known = isObject ? memory.objects.get(arg) : memory.values.get(arg)
  if (known) return known
  const next = createMemory()
  if (isObject) memory.objects.set(arg, next)
  else {
    // What somebody types into a filter comes to an end, but not soon.
    if (memory.values.size >= MAX_VALUES) memory.values.delete(memory.values.keys().next().value)
    memory.values.set(arg, next)
  }
  return next
}

function createMemory(): Memory {
  return { objects: new WeakMap(), values: new Map() }
}
