import type { Path } from '@flushout/core'
import { useMemo } from 'react'

/**
 * A path with the content of `path` that is the same list in every render in
 * which that content is the same, so that paths can be written inline.
 */
export function useStablePath(path: Path): Path {
  const text = JSON.stringify(path)
  return useMemo(() => Object.freeze(JSON.parse(text) as string[]), [text])
}
