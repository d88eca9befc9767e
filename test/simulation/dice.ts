/** Random choices that are the same for the same seed. */
export class Dice {
  #state: number

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ (seed >>> 3)
    for (let count = 0; count < 4; count += 1) this.roll()
  }

  /** From 0 up to 1 (mulberry32). */
  roll = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  chance(odds: number): boolean {
    return this.roll() < odds
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.roll() * (high - low + 1))
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.roll() * list.length)]!
  }

  /** Fill the bytes as an operating system would. */
  fill = (bytes: Uint8Array): void => {
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = this.roll() * 256
  }

  /** Dice that go on by themselves, so that one side's rolls do not change another's. */
  fork(): Dice {
    return new Dice(Math.floor(this.roll() * 2 ** 31))
  }
}
