import type { Flush, JsonObject } from '@flushout/core'
import type { Receipt } from '@flushout/client'
import { Violation } from './violation.ts'

/** One edit that a person made and that was not refused on the spot. */
export interface Edit {
  /** Who, on which page, and the how manieth, as `ada.1-7`: what the edit writes, so that it is found again. */
  readonly mark: string
  readonly action: string
  /** Whether the command has its mark. */
  readonly isMarked: boolean
  readonly receipt: Receipt
  /** The flushes that carried it, as `clientId#sequence`. */
  readonly flushes: string[]
  /** A disk held it once. */
  isStored: boolean
  /** An older state of the disk was put back that does not hold it. */
  isForgotten: boolean
  /** The edit of another tab that was shown where this one goes to, and was not sent yet. */
  readonly after: string | undefined
}

/** What goes out of one model, as the network sees it. */
export interface Outgoing {
  /** Flushes of which the network made a copy. */
  readonly copied: Set<string>
  /** Flushes of a client that was forgotten, which go on under another id. */
  readonly expired: Set<string>
  /** A flush that may have landed was refused, and its number is free all the same. */
  readonly mayBeReused: boolean
  /** Whether several pages send it. */
  readonly isShared: boolean
  /** A flush is sent. */
  depart(flush: Flush): void
  /** A flush was refused for good: its number may be used again. */
  refused(flush: Flush, code: string): void
}

/** What one client was told to do to one model, and what it sent of that. */
export class Ledger implements Outgoing {
  readonly key: string
  readonly edits: Edit[] = []
  /** Sent flushes with their commands as text. */
  readonly sent = new Map<string, string>()
  /** Flushes of which the network made a copy. */
  readonly copied: Set<string>
  readonly expired: Set<string>
  /** A flush that may have landed was refused, and its number is free all the same. */
  mayBeReused = false
  readonly isShared = false
  // All before this one are settled.
  #settled = 0

  constructor(key: string, shared?: Pick<Outgoing, 'copied' | 'expired'>) {
    this.key = key
    this.copied = shared?.copied ?? new Set()
    this.expired = shared?.expired ?? new Set()
  }

  add(
    mark: string,
    action: string,
    receipt: Receipt,
    {
      after,
      isMarked = action !== 'delete',
    }: { after?: string | undefined; isMarked?: boolean } = {},
  ): Edit {
    const edit = {
      mark,
      action,
      isMarked,
      receipt,
      flushes: [],
      isStored: false,
      isForgotten: false,
      after,
    }
    this.edits.push(edit)
    return edit
  }

  /** The edits without an outcome, oldest first. */
  get open(): Edit[] {
    while (this.edits[this.#settled]?.receipt.outcome) this.#settled += 1
    return this.edits.slice(this.#settled).filter(({ receipt }) => !receipt.outcome)
  }

  /** A flush was refused for good: its number may be used again. */
  refused(flush: Flush, code: string): void {
    this.sent.delete(idOf(flush))
    // Others say that the flush never took effect; this one tells nothing of the past.
    if (code === 'FORBIDDEN') this.mayBeReused = true
  }

  /** A flush leaves the client. */
  depart(flush: Flush): void {
    if (flush.commands.length === 0) return
    const id = idOf(flush)
    const text = JSON.stringify(flush.commands)
    const earlier = this.sent.get(id)
    if (earlier === text) return
    if (earlier !== undefined) {
      throw new Violation('frozen', `${id} was sent again with other commands`, {
        expected: earlier,
        found: text,
      })
    }
    this.sent.set(id, text)
    const carried = this.open.slice(0, flush.commands.length)
    flush.commands.forEach((command, index) => {
      const edit = carried[index]
      const mark = markOf(command) ?? edit?.mark
      if (edit?.action !== command.action || edit.mark !== mark) {
        throw new Violation('in order', `command ${index} of ${id} is not the next edit`, {
          expected: edit && `${edit.action} ${edit.mark}`,
          found: command,
        })
      }
      edit.flushes.push(id)
    })
  }
}

/** What tells one flush from all others. */
export function idOf({ clientId, sequence }: { clientId: string; sequence: number }): string {
  return `${clientId}#${sequence}`
}

/** Which edit a command is; undefined for a delete, which carries nothing. */
export function markOf(command: { props?: JsonObject } | object): string | undefined {
  const { mark } = ('props' in command ? command.props : undefined) ?? {}
  return typeof mark === 'string' ? mark : undefined
}
