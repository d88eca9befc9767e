import { FlushoutError } from '@flushout/core'

/** What a parser of server-sent events calls. */
export interface SseHandlers {
  /** The `data` of one event, its lines joined. */
  readonly onData: (data: string) => void
  /** How long the server asks to wait before the next connection. */
  readonly onRetry: (retryMs: number) => void
}

/** The most characters of one event; servers of ours send far less. */
const MAX_EVENT = 1_048_576

/**
 * Takes a stream of server-sent events apart, however it was cut on its way.
 * Comments, ids and names of events are passed over. What comes after the last
 * empty line is no event.
 */
export class SseParser {
  readonly #handlers: SseHandlers
  // Also takes a byte order mark off, and puts split characters together.
  readonly #decoder = new TextDecoder()
  // The line that has not ended yet, and whether a line feed would belong to the last.
  #line = ''
  #hadReturn = false
  #data: string | undefined

  constructor(handlers: SseHandlers) {
    this.#handlers = handlers
  }

  /** Go on with these bytes. Throws ANSWER_INVALID for an event without end. */
  push(bytes: Uint8Array): void {
    let text = this.#decoder.decode(bytes, { stream: true })
    if (text === '') return
    if (this.#hadReturn && text.startsWith('\n')) text = text.slice(1)
    this.#hadReturn = text.endsWith('\r')
    const lines = text.split(/\r\n|[\r\n]/)
    lines[0] = this.#line + lines[0]!
    this.#line = lines.pop()!
    for (const line of lines) this.#take(line)
    if (this.#line.length + (this.#data?.length ?? 0) <= MAX_EVENT) return
    throw new FlushoutError('ANSWER_INVALID', `An event is longer than ${MAX_EVENT} characters.`)
  }

  #take(line: string): void {
    if (line === '') {
      const data = this.#data
      this.#data = undefined
      if (data !== undefined) this.#handlers.onData(data)
      return
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!
    if (field === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
    else if (field === 'retry' && /^\d+$/.test(value)) this.#handlers.onRetry(Number(value))
  }
}
