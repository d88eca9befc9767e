import type { RejectedCommand } from '@flushout/react'

/** What a user did to one todo and the master did not take, with all that is needed to do it again. */
export interface LostEdit {
  /** What was typed or ticked. */
  readonly text?: string
  readonly done?: boolean
  readonly action: RejectedCommand['command']['action']
  readonly message: string
  readonly dismiss: () => void
  /** Do all of it again, to the same todo. */
  readonly retry: () => void
}

/** One entry for each todo: who added it, ticked it off and was refused sees one message. */
export function collectLostEdits(rejections: readonly RejectedCommand[]): Map<string, LostEdit> {
  const lost = new Map<string, LostEdit>()
  for (const rejected of rejections) {
    const { command, rejection, dismiss, retry } = rejected
    // The list has no commands with names.
    if (command.action === 'run') continue
    const id = command.action === 'create' ? command.id! : command.path!.at(-1)!
    const first = lost.get(id)
    lost.set(id, {
      action: command.action,
      message:
        rejection.code === 'PATH_NOT_FOUND'
          ? 'This todo was deleted elsewhere.'
          : rejection.message,
      // The first says why; what followed from it only adds what was done.
      ...first,
      ...(command.action !== 'delete' && command.props),
      dismiss() {
        first?.dismiss()
        dismiss()
      },
      retry() {
        first?.retry()
        retry()
      },
    })
  }
  return lost
}
