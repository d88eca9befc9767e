import {
  refusedReceipt,
  type Command,
  type CommandProxy,
  type LostCommand,
  type Receipt,
} from '@flushout/core'

/**
 * Give a lost command again. `isInStep`: the model was compared with its master on this
 * page, so the document shows what of it took effect after all.
 */
export function giveAgain(
  proxy: CommandProxy<object>,
  { command, path, kind, wait = false }: LostCommand,
  isInStep: boolean,
): Receipt {
  if (command.action !== 'create') return proxy.apply(command, { wait })
  // Given again it would be there twice: the master gives a taken id another name.
  if (proxy.read(path) !== undefined) {
    const update: Command = { action: 'update', path, props: command.props ?? {} }
    return proxy.apply(update, { wait })
  }
  if (kind === 'dropped' && !(isInStep && proxy.confirmed.hash !== '')) {
    return refusedReceipt({
      code: 'OUTCOME_UNKNOWN',
      message: 'Try again when the model is in step: until then nobody knows what it is now.',
      at: path,
    })
  }
  return proxy.apply(command, { wait })
}
