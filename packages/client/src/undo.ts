import { UndoStack, type UndoOptions, type UndoTarget } from '@flushout/core/undo'
import type { ModelTracker } from './model-tracker.ts'
import { keepSteps } from './vault/step-shelf.ts'

export type { Skipped, UndoOptions, UndoResult, UndoStack, UndoState } from '@flushout/core/undo'

const stacks = new WeakMap<UndoTarget, UndoStack>()

/**
 * The steps of this page in `model`, to take back and to do again, from the first call on;
 * the same stack at each call, by the options of the first. Where the model is kept on the
 * device, those that this tab did before it was loaded again are among them.
 */
export function createUndo(model: UndoTarget, options?: UndoOptions): UndoStack {
  let stack = stacks.get(model)
  if (!stack) {
    stack = new UndoStack(
      follow(model, () => stack!),
      options,
    )
    stacks.set(model, stack)
  }
  return stack
}

/** `model`, whose tracker hears where it is kept. */
function follow(model: UndoTarget, stack: () => UndoStack): UndoTarget {
  return {
    read: (path) => model.read(path),
    apply: (command, options) => model.apply(command, options),
    batch: (run, options) => model.batch(run, options),
    track(tracker) {
      const own: ModelTracker = {
        ...tracker,
        // The stack may be about to be made.
        keptIn: (place) => queueMicrotask(() => void keepSteps(stack(), place)),
      }
      model.track(own)
    },
  }
}
