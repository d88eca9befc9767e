// What of a proxy must outlive its page, so that everything that was done in it
// takes effect once or is told as lost. The confirmed document is apart: it can
// be had again from the master, this cannot.
import type { GivenCommand } from './command.ts'
import type { PendingGroup } from './group.ts'
import type { Flush } from './protocol.ts'

/** A command that nobody confirmed yet. The same object until it is another command. */
export interface PendingMemory {
  /**
   * Which command of its proxy it is. They ascend, and each is higher than any that the
   * proxy knew of when it was given, those of other sessions included.
   */
  readonly serial: number
  /** As it was given, its id included, renames followed. */
  readonly command: GivenCommand
  /** It was given to wait for the master before it shows. */
  readonly wait?: boolean
  /** What it has in common with those that it belongs to. */
  readonly group?: PendingGroup
}

/**
 * What a proxy has to remember beside the confirmed document, as plain JSON. With it
 * another proxy goes on where this one is now.
 */
export interface ProxyMemory {
  readonly clientId: string
  /** The number of the last flush that was answered. */
  readonly sequence: number
  /**
   * The highest serial that is known. Need not be stored for each: of it and the last
   * one of `pending` the higher counts.
   */
  readonly serial: number
  /**
   * The flush that may have been sent and was not answered. As many of `pending`, from
   * the first on, are in it. Must be stored before it is sent.
   */
  readonly flight?: Flush
  /** The flight is confirmed already, and only its answer is still to come. */
  readonly hasLanded?: boolean
  /** What is confirmed is not trusted any more: the next exchange asks for a snapshot. */
  readonly isDistrusted?: boolean
  readonly pending: readonly PendingMemory[]
  /** The schema version that all its commands are written for; 1 where left out. */
  readonly schema?: number
}
