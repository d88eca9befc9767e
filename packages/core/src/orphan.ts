import type { Rejection } from './command.ts'
import { startsWith, type Path } from './path.ts'

/**
 * Say why a command at `path` must not apply: the node that it was given for was
 * refused. Something of the same name may be there, but it is another node.
 */
export function checkParents(path: Path, refused: readonly Path[]): Rejection | undefined {
  const at = refused.find((node) => startsWith(path, node))
  if (!at) return undefined
  return {
    code: 'PARENT_REJECTED',
    message: 'The node that this command needs was refused.',
    at,
  }
}
