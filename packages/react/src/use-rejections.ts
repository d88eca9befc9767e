import type { LostCommand, Model, Receipt } from '@flushout/client'
import { useSyncExternalStore } from 'react'

/**
 * A command that showed on screen and then was refused, or could not apply any more. Where
 * its `kind` is `conflict`, `given` is what the user wanted and `found` what is there.
 */
export type RejectedCommand = LostCommand & {
  /** Another one for each entry, as a `key` of its row. */
  readonly id: string
  /** Take it off the list, when the user has seen it. */
  readonly dismiss: () => void
  /**
   * Give the command again. If it is accepted the entry goes; else it stays, and the receipt
   * says why. See `retry` of the model.
   */
  readonly retry: () => Receipt
}

/**
 * What users did and the master did not accept, oldest first, until dismissed:
 * the command with all that was typed, on which node, when, and why not. The same list while nothing
 * changed in it.
 */
export function useRejections<Doc extends object>(model: Model<Doc>): readonly RejectedCommand[] {
  const getRejections = () => withActions(model)
  return useSyncExternalStore(model.subscribeStatus, getRejections, getRejections)
}

// By the lists and entries of the model, which keep their identity.
const lists = new WeakMap<readonly LostCommand[], readonly RejectedCommand[]>()
const entries = new WeakMap<LostCommand, RejectedCommand>()
let count = 0

function withActions<Doc extends object>(model: Model<Doc>): readonly RejectedCommand[] {
  let list = lists.get(model.rejections)
  if (!list) {
    list = Object.freeze(model.rejections.map((lost) => toRejected(model, lost)))
    lists.set(model.rejections, list)
  }
  return list
}

function toRejected<Doc extends object>(model: Model<Doc>, lost: LostCommand): RejectedCommand {
  let entry = entries.get(lost)
  if (!entry) {
    count += 1
    entry = Object.freeze({
      ...lost,
      id: `lost-${count}`,
      dismiss: () => model.dismiss(lost),
      retry: () => model.retry(lost),
    })
    entries.set(lost, entry)
  }
  return entry
}
