// Processes that are called as if they were objects: the server and the load each
// have their own, so that none takes time from another's event loop.
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What a process can be asked for. */
export type Api = { readonly [name: string]: (...args: never[]) => unknown }

interface Call {
  readonly id: number
  readonly name: string
  readonly args: readonly unknown[]
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

// Sockets are files: as many as the machine allows at all.
const RAISE_LIMIT = 'ulimit -Sn $(ulimit -Hn); exec "$0" "$@"'

/** A process that serves an `Api`. It ends with this one at the latest. */
export class Child<A> {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #exit: Promise<void>
  #lastId = 0

  /** Start `file`, which calls `serveParent`. */
  constructor(file: URL, nodeOptions: readonly string[] = []) {
    const main = fileURLToPath(file)
    const node = [process.execPath, '--conditions=@flushout/source', ...nodeOptions, main]
    this.#process = spawn('sh', ['-c', RAISE_LIMIT, ...node], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    this.#process.on('message', (answer: Answer) => this.#settle(answer))
    this.#exit = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        for (const { reject } of this.#waiting.values()) {
          reject(new Error(`The process of ${main} ended with ${signal ?? code}.`))
        }
        this.#waiting.clear()
        resolve()
      })
    })
  }

  /** Let the process do something, and give its result. Rejects if it ends before. */
  call<Name extends keyof A & string>(
    name: Name,
    ...args: A[Name] extends (...args: infer Args) => unknown ? Args : never
  ): Promise<A[Name] extends (...args: never[]) => infer Result ? Awaited<Result> : never> {
    this.#lastId += 1
    const call: Call = { id: this.#lastId, name, args }
    return new Promise((resolve, reject) => {
      this.#waiting.set(call.id, { resolve: resolve as Waiting['resolve'], reject })
      this.#process.send(call, (error) => error && reject(error))
    })
  }

  /** End it as a power cut would. Resolves when it is gone. */
  kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    return this.#exit
  }

  #settle({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(error))
  }
}

/** Do what the process that started this one asks for. */
export function serveParent(api: Api): void {
  process.on('message', ({ id, name, args }: Call) => {
    const call = api[name] as (...args: readonly unknown[]) => unknown
    Promise.resolve()
      .then(() => call(...args))
      .then(
        (result) => process.send!({ id, result } satisfies Answer),
        (error: Error) => process.send!({ id, error: error.message } satisfies Answer),
      )
  })
  // Whoever started it is gone: nobody else would end it.
  process.on('disconnect', () => process.exit(1))
  // Ctrl-C reaches all of a group; the parent ends its children in its own order.
  process.on('SIGINT', () => {})
}
