import type { CheckedGiven } from './check.ts'
import type { Path } from './path.ts'

/** As `changedPaths`, for a command of which is known only that it may have applied. */
export function reachOf(command: CheckedGiven): Path[] {
  return changedPaths(command, command.action !== 'create' || !command.parentDefault)
}

/** The places that an applied command wrote to, so that nobody else is called. Of a named one none: what it made did. */
export function changedPaths(command: CheckedGiven, isParentThere: boolean): Path[] {
  const { path } = command
  if (command.action === 'run') return []
  if (command.action === 'delete') return [path]
  if (command.action === 'create') return [isParentThere ? [...path, command.id] : path]
  return [...Object.keys(command.props ?? {}), ...(command.unset ?? [])].map((key) => [
    ...path,
    key,
  ])
}
