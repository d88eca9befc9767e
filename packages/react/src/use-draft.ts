import type { Draft, Model } from '@flushout/client'
import { useEffect, useState } from 'react'

/**
 * A draft of `model` for this component: edits that only it shows, until `publish` gives
 * them to the model or `discard` drops them. Undefined for the moment until it is there.
 * `useNode`, `useKeys` and `useUndo` take it as they take a model. It ends with the
 * component, and what was not published is gone then.
 */
export function useDraft<Doc extends object>(model: Model<Doc>): Draft<Doc> | undefined {
  const [forked, setForked] = useState<{ readonly of: Model<Doc>; readonly draft: Draft<Doc> }>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    let isOver = false
    model.fork().then(
      (draft) => isOver || setForked({ of: model, draft }),
      (thrown: unknown) => isOver || setError(() => thrown),
    )
    return () => {
      isOver = true
    }
  }, [model])
  if (error !== undefined) throw error
  return forked?.of === model ? forked.draft : undefined
}
