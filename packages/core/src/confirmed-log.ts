import type { Command } from './command.ts'
import type { AppliedFlush, Snapshot } from './protocol.ts'

/** A flush that the master vouched for, with its commands as applied, own ones included. */
export interface LogRecord extends AppliedFlush {
  readonly commands: readonly Command[]
}

/** What is confirmed in a proxy from some moment on. */
export interface ConfirmedReader {
  /**
   * What was confirmed since the last call, in order, own commands included; the whole
   * snapshot where it is not known flush by flush; undefined if nothing was.
   */
  take(): readonly LogRecord[] | Snapshot | undefined
  /** Nothing more is collected. */
  stop(): void
}

// A document is shorter than the history of this many flushes, most times.
const MAX_RECORDS = 1_000

/**
 * What was confirmed and nobody took yet. Bounded: where it would be too much, or
 * nobody knows it flush by flush, all that can be told is that there is another document.
 */
export class ConfirmedLog {
  #records: LogRecord[] = []
  #isReplaced = false

  add(records: readonly LogRecord[]): void {
    if (this.#isReplaced) return
    for (const record of records) this.#records.push(record)
    if (this.#records.length > MAX_RECORDS) this.replace()
  }

  /** There is another document, whatever led to it. */
  replace(): void {
    this.#isReplaced = true
    this.#records = []
  }

  /** What was added since the last call, if anything. */
  take(): readonly LogRecord[] | 'replaced' | undefined {
    const taken = this.#isReplaced ? 'replaced' : this.#records
    this.#isReplaced = false
    this.#records = []
    return taken.length > 0 ? taken : undefined
  }
}
