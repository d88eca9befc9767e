import type { Command, Path, Receipt } from '@flushout/core'

/** What the hooks need of a model, whatever its document. */
export interface Source {
  read(path: Path): unknown
  keys(path: Path): readonly string[]
  apply(command: Command): Receipt
  subscribe(listener: () => void, path: Path): () => void
  watch(): () => void
}

/**
 * Call `listener` after every change at, above or below `path`. Until the
 * returned function is called, the model stays in memory and current.
 */
export function listenTo(source: Source, path: Path, listener: () => void): () => void {
  const leave = source.subscribe(listener, path)
  const release = source.watch()
  return () => {
    leave()
    release()
  }
}
