// To erase a value from a history without a trace, and without making the history another
// one. Documents and the commands that lead from one to the next are redacted each for
// itself, in such a way that it comes to the same:
//
//   document ──commands──► document
//      │                      │
//   redacted ──redacted──► redacted
//
// A node becomes an empty one and everything else null, so that what was a node still is
// one, and each command still applies. Counts stay, and so do the keys on the way.
import type { CheckedCommand, CheckedCreate, CheckedUpdate } from './check.ts'
import type { Command } from './command.ts'
import { sealOf, type EntryNote, type LogEntry } from './history.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import { startsWith, type Path } from './path.ts'
import type { Verdict } from './protocol.ts'

/** The fields of notes that hold nothing of a document. */
const PLAIN: ReadonlySet<string> = new Set(['index', 'count', 'cause', 'atomic', 'schema'])
const EMPTY: JsonObject = Object.freeze({})

/** The document without the value at `path`; the same object if there is none. */
export function redactDocument(document: JsonObject, path: Path): JsonObject {
  const [key, ...rest] = path
  if (key === undefined || !Object.hasOwn(document, key)) return document
  const value = document[key]!
  if (rest.length === 0) return { ...document, [key]: erased(value) }
  if (!isObject(value)) return document
  const child = redactDocument(value, rest)
  return child === value ? document : { ...document, [key]: child }
}

/** The applied command without what it wrote at or below `path`; the same object if it wrote nothing there. */
export function redactCommand(command: CheckedCommand, path: Path): CheckedCommand {
  const { path: at } = command
  if (startsWith(at, path)) return redactBelow(command, path)
  if (!startsWith(path, at) || command.action === 'delete') return command
  const rest = path.slice(at.length)
  return command.action === 'create' ? redactCreate(command, rest) : redactUpdate(command, rest)
}

/**
 * The entry without what its commands wrote at or below `path`, and with a seal in the
 * place of what it was; the same object if they wrote nothing there.
 */
export function redactEntry(
  entry: LogEntry,
  path: Path,
  digest: (text: string) => string,
): LogEntry {
  const commands = entry.commands.map((command) => redactCommand(command, path))
  const notes = entry.notes?.map((note) => redactNote(note, entry.commands, commands, path))
  const isSame =
    commands.every((command, index) => command === entry.commands[index]) &&
    (notes ?? []).every((note, index) => note === entry.notes![index])
  if (isSame) return entry
  return {
    ...entry,
    commands,
    ...(notes && { notes }),
    salt: '',
    seal: sealOf(entry, digest),
  }
}

/** The verdict without what it tells of values at or below `path`; the same object if nothing. */
export function redactVerdict(verdict: Verdict, path: Path): Verdict {
  if (verdict.kind === 'conflict') return redactConflict(verdict, path)
  if (verdict.kind !== 'applied' && verdict.kind !== 'amended') return verdict
  const { followUps } = verdict
  const redacted = redactAll(followUps ?? [], path)
  const isSame = redacted.every((command, index) => command === followUps![index])
  if (verdict.kind === 'applied') return isSame ? verdict : { ...verdict, followUps: redacted }
  const [command] = redactAll([verdict.command], path)
  if (isSame && command === verdict.command) return verdict
  return { ...verdict, command: command!, ...(followUps && { followUps: redacted }) }
}

/** Without what was found, where that may be of the path. */
function redactConflict(verdict: Extract<Verdict, { kind: 'conflict' }>, path: Path): Verdict {
  const { found, ...rest } = verdict
  const { at = [] } = verdict.rejection
  const isNear = startsWith(at, path) || startsWith(path, at)
  return found === undefined || !isNear ? verdict : rest
}

// Commands of verdicts are as they were applied.
function redactAll(commands: readonly Command[], path: Path): CheckedCommand[] {
  return commands.map((command) => redactCommand(command as CheckedCommand, path))
}

/** A command on the erased node or in it, of which only remains that there was one. */
function redactBelow(command: CheckedCommand, path: Path): CheckedCommand {
  const isAt = command.path.length === path.length
  if (command.action === 'delete' && isAt) return command
  if (command.action === 'create' && isAt && command.parentDefault) {
    // The parent is what is erased, and perhaps made just here.
    return { action: 'update', path: path.slice(0, -1), props: { [path.at(-1)!]: EMPTY } }
  }
  return { action: 'update', path }
}

function redactCreate(command: CheckedCreate, rest: Path): CheckedCreate {
  const { id, props, parentDefault } = command
  const [key, ...below] = rest
  if (key === id) {
    const redacted = below.length === 0 ? EMPTY : props && redactDocument(props, below)
    return redacted === props ? command : { ...command, props: redacted! }
  }
  const redacted = parentDefault && redactDocument(parentDefault, rest)
  return redacted === parentDefault ? command : { ...command, parentDefault: redacted! }
}

function redactUpdate(command: CheckedUpdate, rest: Path): CheckedUpdate {
  const { props } = command
  const redacted = props && redactDocument(props, rest)
  return redacted === props ? command : { ...command, props: redacted! }
}

/** Words of people may hold what is erased, and so may what a command met. */
function redactNote(
  note: EntryNote,
  commands: readonly CheckedCommand[],
  redacted: readonly CheckedCommand[],
  path: Path,
): EntryNote {
  const { index, label, count = 1, run } = note
  const isChanged = commands
    .slice(index, index + Math.max(count, run?.count ?? 1))
    .some((command, place) => command !== redacted[index + place])
  const isNear = commands
    .slice(index, index + (run?.count ?? 1))
    .some(({ path: at }) => startsWith(at, path) || startsWith(path, at))
  const plain = Object.fromEntries(Object.entries(note).filter(([field]) => PLAIN.has(field)))
  const isTelling = Object.keys(note).some((field) => field !== 'label' && !PLAIN.has(field))
  // Keys below what is erased go with it.
  const hasReadBelow = note.reads?.paths.some(
    (read) => read.length > path.length && startsWith(read, path),
  )
  const isKept = !(isChanged && label !== undefined) && !(isNear && isTelling) && !hasReadBelow
  return isKept ? note : (plain as unknown as EntryNote)
}

function erased(value: JsonValue): JsonValue {
  return isObject(value) ? EMPTY : null
}
