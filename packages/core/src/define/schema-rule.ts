// What a command does is tried on a copy of the little that is around it, see
// surroundings.ts, and the schema is asked about that copy. Most of the document is not
// in it, so an issue counts only if the command made it:
//
//   at or below what the command touches    counts
//   anywhere else                            counts if it was not there before
//
// A refinement that compares siblings may see an empty one that is too large to be
// copied, so what counts must also be found where such siblings are not there at all.
import type { Command } from '../command.ts'
import type { DocumentView, Interceptor } from '../interceptor.ts'
import { isObject, type JsonObject, type JsonValue } from '../json.ts'
import { isSamePath, startsWith, type Path } from '../path.ts'
import { has } from './is-there.ts'
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts'
import { copyAround, type Filling, type OpenNode, type Surroundings } from './surroundings.ts'

/** A fault of a document, as a schema told it. */
export interface Fault {
  readonly at: Path
  readonly message: string
}

/** What a command does to the node at `path`, and which places it touches by that. */
interface Effect {
  readonly path: Path
  readonly touched: readonly Path[]
  readonly change: (node: OpenNode) => void
}

/**
 * `rules` with the schema before and after them: they see only what it allows, and what
 * they make of a command has to be allowed, too.
 */
export function withSchema(
  schema: StandardSchema,
  rules: readonly Interceptor[],
): readonly Interceptor[] {
  const check: Interceptor = (document, command) => {
    const fault = findFault(schema, document, command)
    return fault && { reject: { code: 'SCHEMA_INVALID', ...fault } }
  }
  let checked: Command | undefined
  const before: Interceptor = (document, command, context) => {
    checked = command
    return check(document, command, context)
  }
  const after: Interceptor = (document, command, context) =>
    command === checked ? undefined : check(document, command, context)
  return rules.length === 0 ? [check] : [before, ...rules, after]
}

/** Tell whether this is a schema, and one that answers at once, as far as that shows without a document. */
export function isUsable(schema: StandardSchema): boolean {
  return typeof schema['~standard']?.validate === 'function' && ask(schema, {}) !== LATER
}

/** What is wrong with a whole document. */
export function checkDocument(schema: StandardSchema, document: object): Fault | undefined {
  const { issues } = ask(schema, document)
  return issues && toFault(issues[0]!)
}

function findFault(
  schema: StandardSchema,
  document: DocumentView,
  command: Command,
): Fault | undefined {
  const effect = effectOf(document, command)
  const { touched } = effect
  if (touched.length === 0) return undefined
  const after = tryOut(document, effect)
  const result = ask(schema, after.root)
  if (result === LATER) return { at: effect.path, message: LATER.issues[0].message }
  if (!result.issues) return findUnknown(touched, after.root, result.value)
  const isOld = knownFaults(schema, copyAround(document, effect.path).root)
  const made = result.issues
    .map(toFault)
    .filter((fault) => touched.some((path) => startsWith(fault.at, path)) || !isOld(fault))
  if (!after.isPartial) return made[0]
  if (made.length > 0) return made.find(knownFaults(schema, tryOut(document, effect, 'bare').root))
  // Only of what is right as a whole do schemas tell what they keep.
  const { root } = tryOut(document, effect, 'filled')
  const filled = ask(schema, root)
  return filled.issues ? undefined : findUnknown(touched, root, filled.value)
}

function tryOut(document: DocumentView, effect: Effect, filling?: Filling): Surroundings {
  const copy = copyAround(document, effect.path, filling)
  effect.change(copy.node)
  return copy
}

function effectOf(document: DocumentView, command: Command): Effect {
  const { path = [] } = command
  switch (command.action) {
    case 'create': {
      const { id = '', props = {}, parentDefault } = command
      if (parentDefault === undefined || has(document, path)) {
        return addition(path, id, props)
      }
      return addition(path.slice(0, -1), path.at(-1)!, { ...parentDefault, [id]: props })
    }
    case 'update': {
      const { props = {}, unset = [] } = command
      const taken = unset.filter((key) => has(document, [...path, key]))
      return {
        path,
        touched: [...Object.keys(props), ...taken].map((key) => [...path, key]),
        change(node) {
          Object.assign(node, props)
          for (const key of taken) delete node[key]
        },
      }
    }
    case 'delete':
      return {
        path: path.slice(0, -1),
        touched: has(document, path) ? [path] : [],
        change: (node) => void delete node[path.at(-1)!],
      }
  }
}

function addition(path: Path, key: string, value: JsonObject): Effect {
  return { path, touched: [[...path, key]], change: (node) => void (node[key] = value) }
}

function knownFaults(schema: StandardSchema, root: OpenNode): (fault: Fault) => boolean {
  const known = (ask(schema, root).issues ?? []).map(toFault)
  return ({ at, message }) =>
    known.some((fault) => fault.message === message && isSamePath(fault.at, at))
}

/** What a schema leaves out of a touched place: most of them drop keys that they do not know. */
function findUnknown(touched: readonly Path[], given: OpenNode, taken: unknown): Fault | undefined {
  for (const path of touched) {
    const at = missingAt(path, given, taken)
    if (at) return { at, message: `The schema knows no ${JSON.stringify(at.at(-1))}.` }
  }
  return undefined
}

function missingAt(path: Path, given: JsonValue, taken: unknown): Path | undefined {
  let value: JsonValue | undefined = given
  let kept: unknown = taken
  for (const [depth, key] of path.entries()) {
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
    // It was taken away, or the schema makes something else of it.
    if (value === undefined || !isOpen(kept)) return undefined
    if (!Object.hasOwn(kept, key)) return path.slice(0, depth + 1)
    kept = kept[key]
  }
  const below = missingBelow(value, kept)
  return below && [...path, ...below]
}

function missingBelow(given: JsonValue, taken: unknown): Path | undefined {
  if (typeof given !== 'object' || given === null || !isOpen(taken)) return undefined
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(taken, key)) return [key]
    const below = missingBelow(value, taken[key])
    if (below) return [key, ...below]
  }
  return undefined
}

function isOpen(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

const LATER = { issues: [{ message: 'The schema answers later, not at once.' }] } as const

function ask(schema: StandardSchema, value: unknown): SchemaResult {
  const result = schema['~standard'].validate(value)
  if (!(result instanceof Promise)) return result
  // What it rejects with must not go unhandled.
  result.catch(() => {})
  return LATER
}

function toFault({ message, path = [] }: SchemaIssue): Fault {
  // Not `path.map`: arktype gives a list of a kind of its own, and would make another.
  const at = Array.from(path, (key) => String(typeof key === 'object' ? key.key : key))
  return { message, at }
}
