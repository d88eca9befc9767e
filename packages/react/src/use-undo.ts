import {
  createUndo,
  type UndoOptions,
  type UndoResult,
  type UndoStack,
  type UndoState,
} from '@flushout/client/undo'
import { useMemo, useSyncExternalStore } from 'react'

/** What can be undone and redone now, and the functions that do it. */
export interface Undo extends UndoState {
  /** See `UndoStack`; the same function as long as the model is. */
  readonly undo: () => UndoResult | undefined
  readonly redo: () => UndoResult | undefined
}

/**
 * Undo and redo of what this page does in `model`, from the first call on. All
 * components share the steps of a model, and the options of the first count.
 */
export function useUndo(model: Parameters<typeof createUndo>[0], options?: UndoOptions): Undo {
  const stack: UndoStack = createUndo(model, options)
  const getState = () => stack.state
  const state = useSyncExternalStore(stack.subscribe, getState, getState)
  return useMemo(() => ({ ...state, undo: stack.undo, redo: stack.redo }), [state, stack])
}
