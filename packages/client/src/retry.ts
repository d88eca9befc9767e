import {
  refusedReceipt,
  type Command,
  type CommandProxy,
  type GivenCommand,
  type JsonObject,
  type LostCommand,
  type Receipt,
} from '@flushout/core'

/**
 * Give lost commands again as one atomic group. Gives the receipt of `lost`, one of them; if
 * one is refused, that one's, and nothing is given. See `giveAgain`.
 */
export function giveGroupAgain(
  proxy: CommandProxy<object>,
  lost: LostCommand,
  all: readonly LostCommand[],
  isInStep: boolean,
): Receipt {
  const receipts = new Map<LostCommand, Receipt>()
  const { label } = lost.group ?? {}
  const options = label === undefined ? { atomic: true } : { atomic: true, label }
  let refused: Receipt | undefined
  try {
    proxy.batch(() => {
      for (const one of all) {
        const receipt = giveAgain(proxy, one, isInStep)
        receipts.set(one, receipt)
        if (receipt.ok) continue
        refused = receipt
        throw refused
      }
    }, options)
  } catch (error) {
    if (error !== refused) throw error
    return refused as Receipt
  }
  return receipts.get(lost)!
}

/**
 * Give a lost command again. `isInStep`: the model was compared with its master on this
 * page, so the document shows what of it took effect after all.
 */
export function giveAgain(
  proxy: CommandProxy<object>,
  lost: LostCommand,
  isInStep: boolean,
): Receipt {
  const { command, path, kind, wait = false } = lost
  if (kind === 'conflict') return proxy.apply(expectFound(command, lost.found), { wait })
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

/** The command for who has seen what is there: it overwrites that, and nothing newer. */
function expectFound(command: GivenCommand, found: JsonObject): GivenCommand {
  if (command.action !== 'update' || !command.expects) return command
  const { expects } = command
  const keys = [command, expects].flatMap(({ props = {}, unset = [] }) => [
    ...Object.keys(props),
    ...unset,
  ])
  const missing = keys.filter((key) => !Object.hasOwn(found, key))
  return { ...command, expects: { props: found, unset: missing } }
}
