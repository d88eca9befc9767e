import type { AppliedFlush, Command, Flush, LiveEvent, LiveRequest } from '@flushout/core'
import { connect, type Socket } from 'node:net'
import { readClock } from './clock.ts'
import { EventReader } from './event-reader.ts'
import type { Requests } from './requests.ts'

/** Who a client is and what it looks at. */
export interface ClientTask {
  readonly clientId: string
  readonly key: string
  /** Of the server that it is connected to. */
  readonly port: number
  readonly commandCount: number
  readonly hash: string
}

/** What the clients of a process share. */
export interface Surroundings {
  readonly requests: Requests
  /** Hears when a change of another client arrived, and when it had been sent. */
  readonly onChange: (sentAt: number, receivedAt: number) => void
  readonly onError: (error: Error) => void
}

// All streams of a process read into this one, each at its turn.
const BUFFER = Buffer.alloc(64 * 1024)

// The same text comes to many clients, and must not be taken apart for each of them.
const parsed = new Map<string, readonly LiveEvent[]>()

/**
 * One client with a stream for one model, in a few hundred bytes: it holds no
 * document, only how far it is, and joins what comes by count and hash.
 */
export class StreamClient {
  readonly key: string
  /** Changes that it got to know, its own included. */
  received = 0
  /** How often it had to ask for what the stream did not carry. */
  asked = 0
  /** Changes that came once more. */
  repeated = 0
  readonly #task: ClientTask
  readonly #around: Surroundings
  #commandCount: number
  #hash: string
  #sequence = 0
  #socket: Socket | undefined
  #isStalled = false
  #hasStalled = false
  #isClosed = false
  #isAsking = false

  constructor(task: ClientTask, around: Surroundings) {
    this.key = task.key
    this.#task = task
    this.#around = around
    this.#commandCount = task.commandCount
    this.#hash = task.hash
  }

  get isStalled(): boolean {
    return this.#isStalled
  }

  /** Whether it is where the server is; throws if it is there by another history. */
  isAt({ commandCount, hash }: { commandCount: number; hash: string }): boolean {
    if (this.#commandCount !== commandCount) return false
    if (this.#hash === hash) return true
    throw new Error(`${this.#task.clientId} has another history at ${commandCount}.`)
  }

  /** Resolves when the server has told how far the model is. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const reader = new EventReader()
      const fail = (error: Error) => {
        reject(error)
        if (!this.#isClosed) this.#around.onError(error)
      }
      const read = (length: number): boolean => {
        const now = readClock()
        try {
          for (const event of readEvents(reader, BUFFER.toString('latin1', 0, length))) {
            this.#hear(event, now)
            if (event.event !== 'ready') resolve()
          }
        } catch (error) {
          fail(error as Error)
        }
        return !this.#isStalled
      }
      const socket = connect({
        host: '127.0.0.1',
        port: this.#task.port,
        onread: { buffer: BUFFER, callback: read },
      })
      socket.on('error', (error) => !this.#hasStalled && fail(error))
      socket.on('close', () => {
        this.#socket = undefined
        // The server gives up who does not read: that one comes again.
        if (!this.#hasStalled) fail(new Error(`The stream of ${this.#task.clientId} was closed.`))
        else if (!this.#isStalled && !this.#isClosed) resolve(this.open())
      })
      socket.write(this.#request())
      this.#socket = socket
    })
  }

  /** Change one todo. Resolves when the server has applied it. */
  async write(text: string): Promise<void> {
    this.#sequence += 1
    const flush: Flush = {
      protocol: 1,
      clientId: this.#task.clientId,
      sequence: this.#sequence,
      from: this.#commandCount,
      hash: this.#hash,
      commands: [{ action: 'update', path: ['todos', 't0'], props: { text, at: readClock() } }],
    }
    const { outcome } = await this.#around.requests.flush(this.#task.port, this.key, flush)
    if (outcome !== 'applied') throw new Error(`A flush was ${outcome}.`)
  }

  /** Read nothing any more, as a phone in a tunnel, until `resume`. */
  stall(): void {
    this.#isStalled = true
    this.#hasStalled = true
  }

  resume(): void {
    this.#isStalled = false
    if (this.#socket) this.#socket.resume()
    else void this.open()
  }

  close(): void {
    this.#isClosed = true
    this.#socket?.destroy()
  }

  #request(): string {
    const request: LiveRequest = {
      protocol: 1,
      models: { [this.key]: { from: this.#commandCount, hash: this.#hash } },
    }
    const body = JSON.stringify(request)
    return (
      `POST /flushout/live HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    )
  }

  #hear(event: LiveEvent, now: number): void {
    if (event.event === 'ready') return
    if (event.event === 'updates') this.#receive(event.updates, event.commandCount, now)
    else if (event.event === 'heads') {
      const head = event.heads[this.key]
      if (head && head.commandCount > this.#commandCount) this.#ask()
      else if (head) this.isAt(head)
    } else throw new Error(`A stream told: ${JSON.stringify(event)}`)
  }

  #receive(updates: readonly AppliedFlush[], commandCount: number, now: number): void {
    for (const [index, update] of updates.entries()) {
      if (update.from > this.#commandCount) return this.#ask()
      if (update.from < this.#commandCount) {
        this.repeated += 1
        continue
      }
      this.#commandCount = updates[index + 1]?.from ?? commandCount
      this.#hash = update.hash
      this.received += 1
      const sentAt = readSentAt(update.commands?.[0])
      const isForeign = update.clientId !== this.#task.clientId
      if (sentAt !== undefined && isForeign && !this.#isStalled) this.#around.onChange(sentAt, now)
    }
  }

  #ask(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.asked += 1
    this.#pull().catch(this.#around.onError)
  }

  async #pull(): Promise<void> {
    const { requests } = this.#around
    const [from, hash] = [this.#commandCount, this.#hash]
    const answer = await requests.pull(this.#task.port, this.key, from, hash)
    this.#isAsking = false
    const { commandCount, sync } = answer
    if (sync.kind === 'updates') this.#receive(sync.updates, commandCount, readClock())
    // A flush has one command here.
    if (sync.kind === 'snapshot') this.#jump(commandCount, answer.hash)
  }

  #jump(commandCount: number, hash: string): void {
    if (commandCount < this.#commandCount) return
    this.received += commandCount - this.#commandCount
    this.#commandCount = commandCount
    this.#hash = hash
  }
}

function readEvents(reader: EventReader, text: string): readonly LiveEvent[] {
  const known = reader.isBetweenEvents ? parsed.get(text) : undefined
  if (known) return known
  const isWhole = reader.isBetweenEvents
  const events = reader.read(text).flatMap(parse)
  if (parsed.size > 500) parsed.clear()
  if (isWhole && reader.isBetweenEvents) parsed.set(text, events)
  return events
}

function parse(text: string): LiveEvent[] {
  const data = text.split('\n').find((line) => line.startsWith('data:'))
  return data === undefined ? [] : [JSON.parse(data.slice(5)) as LiveEvent]
}

function readSentAt(command: Command | undefined): number | undefined {
  const at = command?.action === 'update' ? command.props?.['at'] : undefined
  return typeof at === 'number' ? at : undefined
}
