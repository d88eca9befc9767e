// Server-sent events out of the bytes of a connection, with next to no memory:
// there are thousands of these in a process.

/** Takes an HTTP/1.1 answer apart, as it comes, into the events that it carries. */
export class EventReader {
  #hasHead = false
  #isChunked = false
  // Of the chunk that is being read; 0 before its size is known.
  #chunkLeft = 0
  #unread = ''
  #event = ''

  /** Whether an event begins with what comes next, and nothing is around it. */
  get isBetweenEvents(): boolean {
    return this.#hasHead && !this.#isChunked && this.#event === ''
  }

  /** The events that `text` completes, each as its lines. Throws for an answer that is none. */
  read(text: string): string[] {
    this.#unread += text
    if (!this.#hasHead && !this.#readHead()) return []
    this.#event += this.#isChunked ? this.#readChunks() : this.#readAll()
    const events = this.#event.split('\n\n')
    this.#event = events.pop()!
    return events
  }

  #readHead(): boolean {
    const end = this.#unread.indexOf('\r\n\r\n')
    if (end < 0) return false
    const head = this.#unread.slice(0, end).toLowerCase()
    if (!head.startsWith('http/1.1 200 ')) {
      throw new Error(`A stream was answered with: ${this.#unread.slice(0, 1000)}`)
    }
    this.#unread = this.#unread.slice(end + 4)
    this.#hasHead = true
    this.#isChunked = head.includes('\r\ntransfer-encoding: chunked')
    return true
  }

  #readAll(): string {
    const text = this.#unread
    this.#unread = ''
    return text
  }

  #readChunks(): string {
    const text = this.#unread
    let body = ''
    let at = 0
    for (;;) {
      const part = text.slice(at, at + this.#chunkLeft)
      body += part
      at += part.length
      this.#chunkLeft -= part.length
      const end = this.#chunkLeft > 0 ? -1 : text.indexOf('\r\n', at)
      if (end < 0) break
      // The line is empty behind a chunk, and the size before one.
      if (end > at) this.#chunkLeft = Number.parseInt(text.slice(at, end), 16)
      at = end + 2
    }
    this.#unread = text.slice(at)
    return body
  }
}
