import type { Dice } from './dice.ts'
import { ALL_FAULTS, isDeviceFault, oddsOf, type Fault } from './faults.ts'

/** Which faults a run has, and how often each has struck. */
export class Weather {
  readonly counts = new Map<Fault, number>()
  readonly #active: ReadonlySet<Fault>
  readonly #dice: Dice
  readonly #deviceDice: Dice | undefined
  readonly #trace: (line: string) => void
  #isOver = false

  /** `deviceDice`: for what happens to what is kept; undefined where nothing is. */
  constructor(dice: Dice, deviceDice: Dice | undefined, trace: (line: string) => void) {
    this.#dice = dice
    this.#deviceDice = deviceDice
    this.#trace = trace
    // Some runs are wild and some are nearly calm: rare faults show best alone.
    const share = dice.pick([0.1, 0.3, 0.5, 0.8])
    this.#active = new Set(
      ALL_FAULTS.filter((fault) =>
        isDeviceFault(fault) ? deviceDice?.chance(share) : dice.chance(share),
      ),
    )
  }

  has(fault: Fault): boolean {
    return this.#active.has(fault) && !this.#isOver
  }

  /** Whether the fault strikes here and now. */
  strikes(fault: Fault): boolean {
    if (!this.has(fault)) return false
    const dice = isDeviceFault(fault) ? this.#deviceDice! : this.#dice
    if (!dice.chance(oddsOf(fault))) return false
    this.note(fault)
    return true
  }

  note(fault: Fault): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1)
    this.#trace(`✗ ${fault}`)
  }

  /** No more faults from here on. */
  clear(): void {
    this.#isOver = true
  }
}
