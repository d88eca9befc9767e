import type { ApplyOptions, Command, Path, Receipt } from '@flushout/core'

/** What the hooks need of a model, whatever its document. */
export interface Source {
  read(path: Path): unknown
  apply(command: Command, options?: ApplyOptions): Receipt
  subscribe(listener: () => void, path: Path): () => void
}
