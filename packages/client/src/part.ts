/** Code that a page fetches when it is needed first, since it shows something without. */
export class Part<Code> {
  readonly #load: () => Promise<Code>
  #fetching: Promise<Code> | undefined
  /** Undefined until it is here. Whoever has it need not wait, in a test say. */
  code: Code | undefined

  constructor(load: () => Promise<Code>) {
    this.#load = load
  }

  /** Rejects where it cannot be had now; who asks again later may get it. */
  fetch(): Promise<Code> {
    this.#fetching ??= this.#load().then(
      (code) => (this.code ??= code),
      (error) => {
        this.#fetching = undefined
        throw error
      },
    )
    return this.#fetching
  }
}
