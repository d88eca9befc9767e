import type {
  Command,
  Create,
  Delete,
  Expects,
  GivenCommand,
  Rejection,
  Run,
  Update,
} from './command.ts'
import { copyJson, describe, isForbiddenKey, isKey, MAX_DEPTH, type JsonObject } from './json.ts'
import { describePath, ROOT, type Path } from './path.ts'

/** A command whose form is right: deeply frozen, of exact JSON, its path spelled out. */
export type CheckedCommand = CheckedCreate | CheckedUpdate | CheckedDelete
export type CheckedCreate = Create & { readonly path: Path; readonly id: string }
export type CheckedUpdate = Update & { readonly path: Path }
type CheckedDelete = Delete
export type CheckedRun = Run & { readonly path: Path }
/** A `GivenCommand` of the right form; what a named one makes is not known by that. */
export type CheckedGiven = CheckedCommand | CheckedRun

const CREATE_FIELDS = ['action', 'path', 'id', 'props', 'parentDefault']
const UPDATE_FIELDS = ['action', 'path', 'props', 'unset', 'expects']
const DELETE_FIELDS = ['action', 'path']
const RUN_FIELDS = ['action', 'path', 'name', 'args']
const EXPECTS_FIELDS = new Set(['props', 'unset', 'since'])

/** What is said where a field holds a wrong key. */
const CODES = { path: 'PATH_INVALID', unset: 'COMMAND_INVALID', id: 'ID_INVALID' }

// Of the command under way; see `copied` in json.ts.
let size = 0

/** Thrown inside this file only; `checkCommand` turns it into its result. */
class Refusal {
  readonly rejection: Rejection

  constructor(code: string, message: string, at?: Path) {
    this.rejection = at ? { code, message, at } : { code, message }
  }
}

/**
 * Copy `command` into a frozen command of the right form, or say what is wrong
 * with it. Never throws for plain data and never looks at a document, so both sides come to
 * the same answer. A create without id gets one of `createId`. `size` is about
 * how many characters the command takes as JSON.
 */
export function checkCommand(command: Command, createId: () => string): Checked<CheckedCommand> {
  return attemptCheck(() => check(command, createId))
}

/** The same for what may also be the name of a command. */
export function checkGiven(command: GivenCommand, createId: () => string): Checked<CheckedGiven> {
  return attemptCheck(() =>
    Object(command).action === 'run'
      ? checkRun(command as Run)
      : check(command as Command, createId),
  )
}

type Checked<C> =
  | { readonly ok: true; readonly command: C; readonly size: number }
  | { readonly ok: false; readonly rejection: Rejection }

function attemptCheck<C>(run: () => C): Checked<C> {
  try {
    size = 40
    return { ok: true, command: run(), size }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { ok: false, rejection: error.rejection }
  }
}

function check(command: Command, createId: () => string): CheckedCommand {
  if (typeof command !== 'object' || command === null) {
    throw new Refusal('COMMAND_INVALID', 'A command is an object.')
  }
  switch (command.action) {
    case 'create':
      return checkCreate(command, checkFields(command, CREATE_FIELDS), createId)
    case 'update':
      return checkUpdate(command, checkFields(command, UPDATE_FIELDS))
    case 'delete':
      return checkDelete(checkFields(command, DELETE_FIELDS))
    default:
      throw new Refusal(
        'COMMAND_UNKNOWN',
        `Unknown command: the action is ${describe((command as Command).action)}.`,
      )
  }
}

function checkCreate(command: Create, path: Path, createId: () => string): CheckedCreate {
  const id = command.id === undefined ? createId() : checkKey(command.id, 'id', path)
  if (path.length >= MAX_DEPTH) {
    throw new Refusal('TOO_DEEP', `The new node would lie below ${MAX_DEPTH} levels.`, path)
  }
  const props = checkProps(command.props, 'props', [...path, id])
  const parentDefault = checkProps(command.parentDefault, 'parentDefault', path)
  return Object.freeze({
    action: 'create',
    path,
    id,
    ...(props && { props }),
    ...(parentDefault && { parentDefault }),
  })
}

function checkUpdate(command: Update, path: Path): CheckedUpdate {
  const props = checkProps(command.props, 'props', path)
  const { unset, expects } = command
  if (unset === undefined && expects === undefined) {
    return Object.freeze(props ? { action: 'update', path, props } : { action: 'update', path })
  }
  return Object.freeze({
    action: 'update',
    path,
    ...(props && { props }),
    ...(unset !== undefined && { unset: checkUnset(unset, props, path) }),
    ...(expects !== undefined && { expects: checkExpects(expects, path) }),
  })
}

function checkUnset(unset: unknown, props: JsonObject | undefined, path: Path): readonly string[] {
  const keys = checkKeys(unset, 'unset')
  for (const key of keys) {
    if (props && Object.hasOwn(props, key)) {
      throw new Refusal('COMMAND_INVALID', `"${key}" is both set and unset.`, [...path, key])
    }
  }
  return keys
}

function checkExpects(expects: unknown, path: Path): Expects {
  if (typeof expects !== 'object' || expects === null || Array.isArray(expects)) {
    const message = `\`expects\` is an object, not ${describe(expects)}.`
    throw new Refusal('COMMAND_INVALID', message, path)
  }
  for (const field in expects) {
    if (!EXPECTS_FIELDS.has(field)) {
      const message = `\`expects\` has no field ${JSON.stringify(field)}.`
      throw new Refusal('COMMAND_INVALID', message, path)
    }
  }
  const { props: seen, unset, since } = expects as Expects
  const props = checkProps(seen, 'props', path)
  if (since !== undefined && !(Number.isSafeInteger(since) && since >= 0)) {
    const message = `\`since\` is a command count, not ${describe(since)}.`
    throw new Refusal('COMMAND_INVALID', message, path)
  }
  return Object.freeze({
    ...(props && { props }),
    ...(unset !== undefined && { unset: checkUnset(unset, props, path) }),
    ...(since !== undefined && { since }),
  })
}

function checkDelete(path: Path): CheckedDelete {
  if (path.length === 0) {
    throw new Refusal('ROOT_UNDELETABLE', 'The document itself cannot be deleted.', ROOT)
  }
  return Object.freeze({ action: 'delete', path })
}

function checkRun(command: Run): CheckedRun {
  const path = checkFields(command, RUN_FIELDS)
  if (path.length > 0) throw new Refusal('PATH_INVALID', 'A named command has no path.', path)
  const { name } = command
  if (!isKey(name) || name === '') {
    const message = `The name of a command is a string, and not empty, not ${describe(name)}.`
    throw new Refusal('COMMAND_INVALID', message)
  }
  size += name.length + 20
  const args = checkProps(command.args, 'args', ROOT)
  return Object.freeze({ action: 'run', path, name, ...(args && { args }) })
}

/** Refuse fields that a command of its kind does not have, and give its path. */
function checkFields(command: GivenCommand, fields: readonly string[]): Path {
  for (const field in command) {
    if (!fields.includes(field)) {
      throw new Refusal('COMMAND_INVALID', `A command has no field ${JSON.stringify(field)}.`)
    }
  }
  return command.path === undefined ? ROOT : checkKeys(command.path, 'path')
}

function checkKeys(keys: unknown, field: 'path' | 'unset'): readonly string[] {
  if (!Array.isArray(keys)) {
    throw new Refusal(CODES[field], `\`${field}\` is a list of strings, not ${describe(keys)}.`)
  }
  const copy: string[] = []
  // By index, because a hole must be seen as undefined and refused.
  for (let index = 0; index < keys.length; index += 1) {
    const key = checkKey(keys[index], field, copy)
    size += key.length + 3
    copy.push(key)
  }
  return Object.freeze(copy)
}

function checkKey(key: unknown, field: keyof typeof CODES, at: Path): string {
  if (!isKey(key) || (field === 'id' && key === '')) {
    const message = `Keys are strings, and ids not empty; \`${field}\` has ${describe(key)}.`
    throw new Refusal(CODES[field], message, at)
  }
  if (isForbiddenKey(key)) {
    throw new Refusal('KEY_FORBIDDEN', `The key "${key}" is not allowed.`, [...at, key])
  }
  return key
}

function checkProps(
  props: unknown,
  field: 'props' | 'parentDefault' | 'args',
  at: Path,
): JsonObject | undefined {
  if (props === undefined) return undefined
  if (typeof props !== 'object' || props === null || Array.isArray(props)) {
    throw new Refusal('COMMAND_INVALID', `\`${field}\` is an object, not ${describe(props)}.`, at)
  }
  const copy = copyJson(props, at.length)
  if (copy.ok) {
    size += copy.size
    return copy.value as JsonObject
  }
  const { code, at: below, found } = copy.fault
  const where = below.length === 0 ? '' : ` at ${describePath(below)}`
  throw new Refusal(code, `\`${field}\` holds ${found}${where}.`, [...at, ...below])
}
