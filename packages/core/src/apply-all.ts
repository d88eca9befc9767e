import type { Command } from './command.ts'
import type { Receipt } from './receipt.ts'

/** What can apply commands together: a `CommandProxy`, or a model of a client. */
interface Batching {
  apply(command: Command): Receipt
  batch<T>(run: () => T): T
}

/**
 * Give the commands that `make` gives in one batch. If one of them is refused, the others
 * are taken back: half of an intention is not what anybody asked for.
 */
export function applyAll(model: Batching, make: () => readonly Command[]): readonly Receipt[] {
  const receipts: Receipt[] = []
  const refused = Symbol('refused')
  try {
    model.batch(() => {
      for (const command of make()) {
        const receipt = model.apply(command)
        receipts.push(receipt)
        if (!receipt.ok) throw refused
      }
    })
  } catch (error) {
    if (error !== refused) throw error
  }
  return receipts
}
