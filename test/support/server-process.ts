import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { REACHED, type Failpoint, type Trap } from './failpoints.ts'

/** What a server process is started with. */
export interface ServerSettings {
  /** Of its database. */
  readonly url: string
  /** A free one if left out. */
  readonly port?: number
  readonly trap?: Trap
  readonly allowAsynchronousCommit?: boolean
  /** How long a server that stands still may hold a lock. */
  readonly lockTimeoutMs?: number
  /** Which version of the todo lists of `versions.ts` it serves; else it has one of its own. */
  readonly version?: number
}

/** What a server process may be told. */
export type Order =
  | { readonly trap: Trap | undefined }
  | { readonly isTrimming: boolean }
  | { readonly ask: 'conflicts' }

/** What a server process tells. */
export type Report = { readonly address: string } | { readonly conflicts: number }

const MAIN = fileURLToPath(new URL('server-main.ts', import.meta.url))

/** A real server in a process of its own, which ends with this one at the latest. */
export class ServerProcess {
  /** Where it listens, as `http://127.0.0.1:4711`. */
  readonly address: string
  readonly #process: ChildProcess
  readonly #exit: Promise<NodeJS.Signals | number>
  readonly #reached: Set<Failpoint>
  readonly #read: () => string

  private constructor(child: Started, address: string) {
    this.address = address
    this.#process = child.process
    this.#exit = child.exit
    this.#reached = child.reached
    this.#read = child.read
  }

  /** Resolves when it listens. Rejects with what it printed if it ends before. */
  static async start(settings: ServerSettings): Promise<ServerProcess> {
    const child = launch(settings)
    const listening = once(child.process, 'message') as Promise<[{ address: string }]>
    const failed = child.exit.then((end) => {
      throw new Error(`The server did not start, and ended with ${end}: ${child.read()}`)
    })
    const [{ address }] = await Promise.race([listening, failed])
    failed.catch(() => {})
    return new ServerProcess(child, address)
  }

  get port(): number {
    return Number(new URL(this.address).port)
  }

  /** The exit code, or the signal that ended it. */
  get exit(): Promise<NodeJS.Signals | number> {
    return this.#exit
  }

  /** How it is, with what it printed of what went wrong. */
  describe(): string {
    const { exitCode, signalCode } = this.#process
    const end = signalCode ?? exitCode
    return `${end === null ? 'runs' : `ended with ${end}`} ${this.#read()}`
  }

  /** Whether it stood at this failpoint. */
  hasReached(at: Failpoint): boolean {
    return this.#reached.has(at)
  }

  tell(order: Order): void {
    // It may be set for a place that it stood at before.
    if ('trap' in order && order.trap) this.#reached.delete(order.trap.at)
    this.#process.send(order)
  }

  async countConflicts(): Promise<number> {
    const answer = once(this.#process, 'message') as Promise<[{ conflicts: number }]>
    this.tell({ ask: 'conflicts' })
    return (await answer)[0].conflicts
  }

  /** Send a signal, also to one that has ended already. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** End it as a power cut would. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.#exit
  }
}

interface Started {
  readonly process: ChildProcess
  readonly exit: Promise<NodeJS.Signals | number>
  readonly reached: Set<Failpoint>
  readonly read: () => string
}

function launch(settings: ServerSettings): Started {
  const args = ['--conditions=@flushout/source', MAIN, JSON.stringify(settings)]
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const exit = once(child, 'close').then(
    ([code, signal]) => (signal ?? code) as NodeJS.Signals | number,
  )
  const reached = new Set<Failpoint>()
  let printed = ''
  child.stderr!.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stdout!.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) {
      if (line.startsWith(REACHED)) reached.add(line.slice(REACHED.length) as Failpoint)
    }
  })
  return { process: child, exit, reached, read: () => printed }
}
