/** Goes over ids in an order that a processor cannot foresee, and turns each todo at each visit. */
export class Walk {
  readonly #ids: readonly string[]
  #steps = 0
  #at = 0

  constructor(ids: readonly string[]) {
    this.#ids = ids
  }

  /** Go to the next todo, and give its id. */
  next(): string {
    this.#steps += 1
    // A prime, so that all ids come before one of them comes again.
    this.#at = (this.#at + 7_919) % this.#ids.length
    return this.#ids[this.#at]!
  }

  /** What the todo that `next` gave is to become: always another than it was. */
  get done(): boolean {
    return Math.ceil(this.#steps / this.#ids.length) % 2 === 1
  }

  /** The ids that are done after all steps. */
  doneIds(): Set<string> {
    const done = new Set<string>()
    const again = new Walk(this.#ids)
    while (again.#steps < this.#steps) {
      const id = again.next()
      if (again.done) done.add(id)
      else done.delete(id)
    }
    return done
  }
}
