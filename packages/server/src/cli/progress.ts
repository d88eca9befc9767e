const WIDTH = 30
const STEPS = 100

/** Show a bar on standard error, where somebody looks at it: `░░░ 12 of 345 models`. */
export class Progress {
  readonly #unit: string
  #shown = -1

  constructor(unit: string) {
    this.#unit = unit
  }

  show(done: number, all: number): void {
    if (!process.stderr.isTTY) return
    const step = all === 0 ? STEPS : Math.floor((STEPS * done) / all)
    if (step === this.#shown) return
    this.#shown = step
    const filled = Math.floor((WIDTH * step) / STEPS)
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled)
    process.stderr.write(`\r${bar} ${done} of ${all} ${this.#unit}`)
  }

  clear(): void {
    if (this.#shown >= 0) process.stderr.write('\r\u001B[K')
    this.#shown = -1
  }
}
