import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const HEAD_END = '\r\n\r\n'

interface Waiting {
  readonly resolve: (body: string) => void
  readonly reject: (error: Error) => void
}

/**
 * A connection that is kept, for one request at a time. Written on the bare socket, because
 * whatever the load takes of the processor is taken from the server that is measured.
 */
export class HttpConnection {
  readonly #socket: Socket
  readonly #host: string
  #received: Buffer[] = []
  #missingBytes = 0
  #waiting: Waiting | undefined
  #failure: Error | undefined

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.setNoDelay()
    socket.on('data', (bytes) => this.#read(bytes))
    socket.on('close', () => this.#fail(new Error('The server closed a connection.')))
  }

  static async open(port: number): Promise<HttpConnection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new HttpConnection(socket, `127.0.0.1:${port}`)
  }

  get(path: string): Promise<string> {
    return this.#send(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}${HEAD_END}`)
  }

  /** Send `json`, which is ASCII. Rejects unless the answer is a success. */
  post(path: string, json: string): Promise<string> {
    const headers = `content-type: application/json\r\ncontent-length: ${json.length}`
    return this.#send(
      `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${headers}${HEAD_END}${json}`,
    )
  }

  close(): void {
    this.#socket.destroy()
  }

  #send(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure)
      this.#waiting = { resolve, reject }
      this.#socket.write(request, 'latin1')
    })
  }

  #read(bytes: Buffer): void {
    this.#received.push(bytes)
    this.#missingBytes -= bytes.length
    // Not looked at again before all of it is here.
    if (this.#missingBytes > 0) return
    const answer = this.#received.length === 1 ? bytes : Buffer.concat(this.#received)
    const headEnd = answer.indexOf(HEAD_END)
    if (headEnd < 0) return
    const head = answer.toString('latin1', 0, headEnd)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
    this.#missingBytes = headEnd + HEAD_END.length + length - answer.length
    if (this.#missingBytes > 0) return
    this.#received = []
    this.#missingBytes = 0
    const body = answer.toString('utf8', headEnd + HEAD_END.length)
    if (head.startsWith('HTTP/1.1 200 ')) this.#waiting?.resolve(body)
    else this.#fail(new Error(`A request was answered: ${head} ${body}`))
  }

  #fail(error: Error): void {
    this.#failure = error
    this.#waiting?.reject(error)
  }
}
