import { createReadStream } from 'node:fs'
import {
  chainHash,
  endOf,
  FlushoutError,
  Master,
  type DocumentView,
  type LogEntry,
  type Snapshot,
} from '@flushout/core'
import { digest } from '../digest.ts'
import { toEntry, toFirstLine, toLastLine, type LastLine } from './history-file.ts'
import { readLines } from './read-lines.ts'

export interface ReplayOptions {
  /** The count at which the document is wanted; where the history ends if left out. */
  readonly at?: number
  /**
   * The history hash where it ends, if that is known from somewhere else, as from a
   * client. Who makes a whole history anew can be found by nothing else.
   */
  readonly hash?: string
  /** Hears of each flush, with the document that it made. */
  readonly onEntry?: (document: DocumentView, entry: LogEntry) => void
}

/** What a history led to. */
export interface Replayed extends Snapshot {
  readonly key: string
  /** How many flushes the history has. */
  readonly entries: number
  /** Of them, those with erased contents: only that they were there is vouched for. */
  readonly erased: number
}

/**
 * Replay a file that `flushout export` wrote: check all of it, and give the document at a
 * count. Runs no rules. Throws HISTORY_DAMAGED with the first line at which something was
 * changed, left out, put in or put elsewhere, and VERSION_NOT_FOUND where the history has no
 * such count.
 */
export async function replayFile(path: string, options: ReplayOptions = {}): Promise<Replayed> {
  const lines = readLines(createReadStream(path, 'utf8') as AsyncIterable<string>)
  return replayLines(lines, options)
}

/** The same for lines from elsewhere. */
export async function replayLines(
  lines: AsyncIterable<string> | Iterable<string>,
  options: ReplayOptions = {},
): Promise<Replayed> {
  let replay: Replay | undefined
  let number = 0
  for await (const line of lines) {
    number += 1
    try {
      if (replay) replay.add(parse(line))
      else replay = new Replay(parse(line), options)
    } catch (error) {
      throw damage(`Line ${number}: ${(error as Error).message}`, error)
    }
  }
  if (!replay) throw damage('There is nothing in it.')
  return replay.end()
}

/** The replay of one history, line by line. Throws plain errors that say what is wrong with a line. */
class Replay {
  readonly #options: ReplayOptions
  readonly #key: string
  readonly #master: Master
  #entries = 0
  #erased = 0
  #found: Snapshot | undefined
  #last: LastLine | undefined

  constructor(line: unknown, options: ReplayOptions) {
    const first = toFirstLine(line)
    if (!first) throw new Error('This is not the beginning of a history.')
    const { key, snapshot } = first
    const found = digest(JSON.stringify(snapshot.document))
    if (found !== first.digest) {
      throw new Error(`The document has digest ${found}, not ${first.digest}.`)
    }
    this.#options = options
    this.#key = key
    this.#master = new Master(snapshot, { createId: refuseCreate, digest, maxHistoryBytes: 0 })
    this.#look()
  }

  add(line: unknown): void {
    if (this.#last) throw new Error('The history has ended before.')
    const last = toLastLine(line)
    if (last) return this.#finish(last)
    const entry = toEntry(line)
    if (!entry) throw new Error('This is no entry of a history.')
    this.#check(entry)
    this.#advance(entry)
    this.#entries += 1
    if (entry.seal !== undefined) this.#erased += 1
    this.#options.onEntry?.(this.#master, entry)
  }

  end(): Replayed {
    const { commandCount } = this.#master
    if (!this.#last) throw damage(`It is cut off after ${commandCount} commands.`)
    if (!this.#found) {
      const message = `There is no document at ${this.#options.at}; it ends at ${commandCount}.`
      throw new FlushoutError('VERSION_NOT_FOUND', message)
    }
    return { key: this.#key, ...this.#found, entries: this.#entries, erased: this.#erased }
  }

  #check(entry: LogEntry): void {
    const { commandCount, hash } = this.#master
    const { from } = entry
    if (from !== commandCount) throw new Error(`It goes on at ${from} after ${commandCount}.`)
    const expected = chainHash(hash, entry, digest)
    if (entry.hash !== expected) {
      throw new Error(`The hash is ${entry.hash}, the entries make ${expected}.`)
    }
  }

  #advance(entry: LogEntry): void {
    const { at } = this.#options
    if (at !== undefined && at > entry.from && at < endOf(entry)) {
      // Within a flush there is no history hash.
      const commands = entry.commands.slice(0, at - entry.from)
      this.#master.advance([{ ...entry, hash: '', commands }])
      this.#look()
      const rest = entry.commands.slice(at - entry.from)
      this.#master.advance([{ ...entry, from: at, commands: rest }])
    } else this.#master.advance([entry])
    this.#look()
  }

  #finish(last: LastLine): void {
    const { commandCount, hash } = this.#master
    const { end } = last
    if (end.commandCount !== commandCount || end.hash !== hash) {
      const found = `${commandCount} (${hash})`
      throw new Error(
        `The end is at ${end.commandCount} (${end.hash}), the entries end at ${found}.`,
      )
    }
    const { hash: wanted = hash, at = commandCount } = this.#options
    if (hash !== wanted) throw new Error(`The history ends with ${hash}, and not with ${wanted}.`)
    if (at === commandCount) this.#found ??= this.#master.snapshot()
    this.#last = last
  }

  /** Keep the document, if it is the one that is wanted. */
  #look(): void {
    if (this.#options.at === this.#master.commandCount) this.#found ??= this.#master.snapshot()
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new Error('This is not JSON.')
  }
}

function damage(message: string, cause?: unknown): FlushoutError {
  return new FlushoutError('HISTORY_DAMAGED', message, { cause })
}

function refuseCreate(): never {
  throw new Error('An entry has a create without an id.')
}
