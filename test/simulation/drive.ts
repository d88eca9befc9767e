import type { ClientStorage } from '@flushout/client'
import { DiskStorage, type Disk } from '../../packages/client/src/storage/disk-storage.ts'
import {
  applyChanges,
  listRows,
  type StoredChange,
  type StoredRow,
  type StoredRows,
} from '../../packages/client/src/storage/stored-rows.ts'
import type { Dice } from './dice.ts'
import type { Stage } from './stage.ts'

/** A page that keeps things. */
export interface Keeping {
  readonly isOver: boolean
  /** When it ended, if it did. */
  readonly endedAt: number
  /** Run something as soon as the page does anything; never after its end. */
  run(callback: () => void): void
  /** It crashes, if it still lives. */
  crash(): void
}

/**
 * The disk of a device. It does one thing after the other, each takes time, and
 * all of a write is stored or nothing. Of what a page has ordered when it dies,
 * only that is done which is being done, and perhaps not even that.
 */
export class Drive {
  readonly #stage: Stage
  readonly #dice: Dice
  readonly #onStored: (changes: readonly StoredChange[]) => void
  #rows: StoredRows
  #busyUntil = 0
  #putBackAt = 0
  /** Until when it takes nothing, as when it is full. */
  refusesUntil = 0

  constructor(
    stage: Stage,
    onStored: (changes: readonly StoredChange[]) => void,
    rows?: StoredRows,
  ) {
    this.#stage = stage
    this.#dice = stage.dice.fork()
    this.#onStored = onStored
    this.#rows = new Map(rows)
  }

  /** What is on it, in order. */
  get rows(): readonly StoredRow[] {
    return listRows(this.#rows, [])
  }

  /** What it holds now, to be put back later or on another device. */
  copy(): StoredRows {
    return new Map(this.#rows)
  }

  putBack(rows: StoredRows): void {
    this.#rows = new Map(rows)
    this.#busyUntil = this.#stage.scheduler.now
    this.#putBackAt = this.#busyUntil
  }

  /** It does nothing for a while. */
  standStill(ms: number): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.#stage.scheduler.now) + ms
  }

  /** As one page has it. */
  open(page: Keeping): ClientStorage {
    const { scheduler } = this.#stage
    const setTimer = (callback: () => void, ms: number) =>
      scheduler.after(ms, () => page.run(callback))
    return new DiskStorage(() => this.#openDisk(page), { setTimer })
  }

  #openDisk(page: Keeping): Disk {
    const { weather, scheduler } = this.#stage
    return {
      read: (prefix) =>
        this.#do(page, () => {
          if (weather.strikes('page dies as it reads its disk')) page.crash()
          return listRows(this.#rows, prefix)
        }),
      write: (changes) => {
        if (weather.strikes('page dies before a write')) scheduler.after(0, () => page.crash())
        return this.#do(page, () => {
          if (this.refusesUntil > scheduler.now) throw new Error('The disk is full.')
          applyChanges(this.#rows, changes)
          this.#onStored(changes)
          if (weather.strikes('page dies after a write')) page.crash()
        })
      },
      close: async () => {},
    }
  }

  #do<Result>(page: Keeping, work: () => Result): Promise<Result> {
    const { scheduler, weather } = this.#stage
    const start = Math.max(this.#busyUntil, scheduler.now)
    let ms = 1 + this.#dice.roll() * 8
    if (weather.strikes('disk slow')) ms += this.#dice.between(50, 1_500)
    this.#busyUntil = start + ms
    return new Promise((resolve, reject) => {
      scheduler.at(this.#busyUntil, () => {
        const wasBegun = page.endedAt >= start && this.#dice.chance(0.5)
        if (page.isOver && (!wasBegun || start < this.#putBackAt)) return
        let tell: () => void
        try {
          const result = work()
          tell = () => resolve(result)
        } catch (error) {
          tell = () => reject(error)
        }
        scheduler.after(this.#dice.roll() * 3, () => page.run(tell))
      })
    })
  }
}
