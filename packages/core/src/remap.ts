import type { CheckedCommand, CheckedGiven } from './check.ts'
import type { DocumentTree } from './document.ts'
import { startsWith, type Path } from './path.ts'
import type { Remap } from './protocol.ts'

/**
 * Follow renamed nodes: give `path` as the master calls it. Later remaps see
 * what earlier ones made of the path, so a rename below a rename is followed to
 * its end. Gives the very same path if none applies.
 */
function remapPath(path: Path, remaps: readonly Remap[]): Path {
  let current = path
  for (const { from, to } of remaps) {
    if (startsWith(current, from)) current = Object.freeze([...to, ...current.slice(from.length)])
  }
  return current
}

/** The path of the node that a command concerns: that which it creates, updates or deletes. */
export function nodeOf(command: CheckedGiven): Path {
  return command.action === 'create' ? [...command.path, command.id] : command.path
}

/** `command` with its path followed; the very same command if no remap applies. */
export function remapCommand<C extends CheckedGiven>(command: C, remaps: readonly Remap[]): C {
  const path = remapPath(command.path, remaps)
  return path === command.path ? command : Object.freeze<C>({ ...command, path })
}

/** The nodes that `predicted` creates where `actual`, one by one, creates them under another id. */
export function renamedFollowUps(
  predicted: readonly CheckedCommand[],
  actual: readonly CheckedCommand[],
): Remap[] {
  return predicted.flatMap((mine, index) => {
    const theirs = actual[index]
    if (mine.action !== 'create' || theirs?.action !== 'create') return []
    const isElsewhere =
      mine.path.length !== theirs.path.length || !startsWith(mine.path, theirs.path)
    return isElsewhere || mine.id === theirs.id ? [] : [{ from: nodeOf(mine), to: nodeOf(theirs) }]
  })
}

/** `command`, a create with another id where its own is taken. */
export function withFreeId<C extends CheckedGiven>(
  tree: DocumentTree,
  command: C,
  createId: () => string,
): C {
  if (command.action !== 'create') return command
  let { id } = command
  while (tree.has([...command.path, id])) id = createId()
  return id === command.id ? command : Object.freeze<C>({ ...command, id })
}
