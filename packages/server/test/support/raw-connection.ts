import { connect, type Socket } from 'node:net'

/** What came back on a connection. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** A connection that sends what it is told, byte by byte, and reads what comes back. */
export class RawConnection implements Disposable {
  readonly socket: Socket
  /** Resolves once the connection is closed, by whomever. */
  readonly closed: Promise<void>
  readonly #waiting: (() => void)[] = []
  #received = Buffer.alloc(0)
  #isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    // A reset is an end as any other.
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake()
    })
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true
        this.#wake()
        resolve()
      })
    })
  }

  static open(address: string): Promise<RawConnection> {
    const { hostname, port } = new URL(address)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname)
      socket.once('error', reject)
      socket.once('connect', () => resolve(new RawConnection(socket)))
    })
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(...parts: readonly (string | Buffer)[]): void {
    for (const part of parts) this.socket.write(part)
  }

  /** The next answer; undefined if the connection was closed instead. */
  async answer(toHead = false): Promise<RawAnswer | undefined> {
    for (;;) {
      const taken = takeAnswer(this.#received, toHead)
      if (taken) {
        this.#received = this.#received.subarray(taken.length)
        return taken.answer
      }
      if (this.#isClosed) return undefined
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Send a request and wait for its answer. */
  exchange(...parts: readonly (string | Buffer)[]): Promise<RawAnswer | undefined> {
    this.send(...parts)
    return this.answer()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

function takeAnswer(
  bytes: Buffer,
  toHead: boolean,
): { readonly answer: RawAnswer; readonly length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const status = Number(first.split(' ')[1])
  const start = end + 4
  const hasBody = !toHead && status !== 304 && status >= 200
  // What Node answers by itself has chunks: none.
  const isEmpty = headers['transfer-encoding'] === 'chunked'
  const length = !hasBody ? 0 : isEmpty ? 5 : Number(headers['content-length'] ?? 0)
  if (bytes.length < start + length) return undefined
  const text = isEmpty ? '' : bytes.toString('utf8', start, start + length)
  return { answer: { status, headers, text }, length: start + length }
}

/** A POST to the flush route of `key`, its body as it is. */
export function postRequest(
  key: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const all = {
    host: 'localhost',
    'content-type': 'application/json',
    'content-length': `${Buffer.byteLength(body)}`,
    ...headers,
  }
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const text = `POST /flushout/models/${key}/flush HTTP/1.1\r\n${head.join('')}\r\n`
  return Buffer.concat([Buffer.from(text), Buffer.from(body)])
}

/** A GET below the prefix. */
export function getRequest(path: string): string {
  return `GET /flushout${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`
}
