// What a recipe does to a draft, told as commands. Immer finds out what was done;
// the rules here turn each of its patches into a part of the smallest list:
//
//   object under a new key     create with that id
//   object removed             delete
//   any other value set        update of its node, one for all props of a node
//   any other value removed    update with unset
//   anything inside an array   update with the whole array
import { enablePatches, Immer, type Draft, type Patch } from 'immer'
import { applyAll } from './apply-all.ts'
import type { Command, Create, Delete } from './command.ts'
import type { Commander } from './commander.ts'
import { FlushoutError } from './errors.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import type { Path } from './path.ts'
import type { Receipt } from './receipt.ts'

enablePatches()
// One of its own, so that the application's settings are left alone. Nothing is
// frozen: commands are copied when they apply.
const immer = new Immer({ autoFreeze: false })

/** A change of a document, written as if it could be changed in place. */
export type Recipe<Doc> = (draft: Draft<Doc>) => void

/** What a recipe can be given to: a `CommandProxy`, or a model of a client. */
export type Editable<Doc extends object> = Commander<Doc> & {
  read(): unknown
  batch<T>(run: () => T): T
}

/**
 * Change the document of `model` by a recipe: `edit(model, (draft) => {
 * draft.todos[id].done = true })`. What it does is given as the smallest list of
 * commands, in one batch, and the receipts are those of the commands. If one of
 * them is refused, the others are taken back: their outcome is `dropped`. What a
 * recipe throws is thrown on, with nothing changed; it must be synchronous, and
 * what it returns does not matter.
 *
 * A recipe works on the whole document: it costs one copy of every wide node
 * that changed since the last read. In a list of ten thousand, `update` of one
 * item is much cheaper.
 */
export function edit<Doc extends object>(
  model: Editable<Doc>,
  recipe: Recipe<Doc>,
): readonly Receipt[] {
  const run = recipe as Recipe<JsonObject>
  return applyAll(model, () => recordWith(model.read() as JsonObject, run).commands)
}

/** What `recipe` does to the document, told as commands, and what it returned. */
export function recordWith(
  document: JsonObject,
  recipe: (draft: Draft<JsonObject>) => unknown,
): { readonly commands: readonly Command[]; readonly result: unknown } {
  let result: unknown
  const [after, patches] = immer.produceWithPatches(document, (draft) => {
    result = recipe(draft)
    if (result instanceof Promise) {
      // Refused here; but what it rejects with must not go unhandled.
      result.catch(() => {})
      throw new FlushoutError('COMMAND_INVALID', 'A recipe is synchronous; await before it.')
    }
  })
  return { commands: toCommands(patches, document, after), result }
}

/** What is to be done to the props of one node. */
interface NodeUpdate {
  readonly action: 'update'
  readonly path: Path
  readonly props: Record<string, JsonValue>
  readonly unset: string[]
}

function toCommands(patches: readonly Patch[], before: JsonObject, after: JsonObject): Command[] {
  const commands: (Create | Delete | NodeUpdate)[] = []
  const updates = new Map<string, NodeUpdate>()
  const updateOf = (path: Path): NodeUpdate => {
    const name = JSON.stringify(path)
    let update = updates.get(name)
    if (!update) {
      update = { action: 'update', path, props: {}, unset: [] }
      updates.set(name, update)
      commands.push(update)
    }
    return update
  }
  for (const { op, path: full } of patches) {
    const { path, key } = addressOf(full, before)
    const was = valueAt(before, [...path, key])
    const value = valueAt(after, [...path, key])
    if (op === 'remove' && value === undefined) {
      if (isObject(was)) commands.push({ action: 'delete', path: [...path, key] })
      else updateOf(path).unset.push(key)
      // A key may be empty, an id may not.
    } else if (was === undefined && isObject(value) && key !== '') {
      commands.push({ action: 'create', path, id: key, props: value })
    } else {
      updateOf(path).props[key] = value!
    }
  }
  return commands.map((command) => (command.action === 'update' ? withoutEmpty(command) : command))
}

/** The node that holds the changed value, and its key there; for what is inside an array, the array's. */
function addressOf(full: Patch['path'], before: JsonObject): { path: Path; key: string } {
  const keys = full.map(String)
  let value: JsonValue | undefined = before
  for (let depth = 0; depth < keys.length - 1; depth += 1) {
    value = isObject(value) ? value[keys[depth]!] : undefined
    if (Array.isArray(value)) return { path: keys.slice(0, depth), key: keys[depth]! }
  }
  return { path: keys.slice(0, -1), key: keys.at(-1)! }
}

function valueAt(document: JsonObject, path: Path): JsonValue | undefined {
  let value: JsonValue | undefined = document
  for (const key of path) {
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  }
  return value
}

function withoutEmpty({ action, path, props, unset }: NodeUpdate): Command {
  if (unset.length === 0) return { action, path, props }
  return Object.keys(props).length === 0 ? { action, path, unset } : { action, path, props, unset }
}
