import { UndoStack, type UndoOptions, type UndoTarget } from '@flushout/core/undo'

export type { Skipped, UndoOptions, UndoResult, UndoStack, UndoState } from '@flushout/core/undo'

const stacks = new WeakMap<UndoTarget, UndoStack>()

/**
 * The steps of this page in `model`, to take back and to do again, from the first call on;
 * the same stack at each call, by the options of the first.
 */
export function createUndo(model: UndoTarget, options?: UndoOptions): UndoStack {
  let stack = stacks.get(model)
  if (!stack) {
    stack = new UndoStack(model, options)
    stacks.set(model, stack)
  }
  return stack
}
