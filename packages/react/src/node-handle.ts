import type {
  ApplyOptions,
  ChildProps,
  Command,
  Path,
  PropsAt,
  Receipt,
  UpdateOptions,
} from '@flushout/core'
import type { Source } from './source.ts'

const NO_OPTIONS = Object.freeze({})

/** A place in a model: reads and changes what is there, which may be nothing. */
export class NodeHandle<T> {
  /** Where the node is in its document. */
  readonly path: Path
  readonly #source: Source

  /** Made by `useNode`. `path` is kept as it is. */
  constructor(source: Source, path: Path) {
    this.#source = source
    this.path = path
  }

  /** What is there now, frozen; for event handlers. In a render, take the value of `useNode`. */
  read = (): T | undefined => this.#source.read(this.path) as T | undefined

  /** Call `listener` after every change at, above or below the node, until the returned function is called. */
  subscribe = (listener: () => void): (() => void) => this.#source.subscribe(listener, this.path)

  /**
   * Set `props`, remove the keys of `unset`, leave the others; with `expects`, only where the
   * node is as it says. With `wait: true` it shows when the server has agreed; so with all three.
   */
  update(
    props: PropsAt<T, readonly []>,
    options: ApplyOptions & UpdateOptions<PropsAt<T, readonly []>> = NO_OPTIONS,
  ): Receipt {
    const { unset, expects } = options
    const { path } = this
    const command = { action: 'update', path, props, unset, expects }
    return this.#source.apply(command as Command, options)
  }

  /**
   * Put a new node under this one; its id is in the receipt. `parentDefault` is
   * what to create here if nothing is there.
   */
  create(
    props?: ChildProps<T, readonly []>,
    options: ApplyOptions & {
      readonly id?: string
      readonly parentDefault?: PropsAt<T, readonly []>
    } = NO_OPTIONS,
  ): Receipt {
    const { id, parentDefault } = options
    const { path } = this
    return this.#source.apply(
      { action: 'create', path, id, props, parentDefault } as Command,
      options,
    )
  }

  /** Remove the node with all that is below it. */
  delete(options: ApplyOptions = NO_OPTIONS): Receipt {
    return this.#source.apply({ action: 'delete', path: this.path }, options)
  }
}
