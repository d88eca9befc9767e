import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const main = fileURLToPath(new URL('../../../examples/todo/src/main.ts', import.meta.url))

/** The example in a process of its own, as `npm start` runs it. */
export class App {
  readonly process: ChildProcess
  /** Everything it printed so far. */
  output = ''
  /** Resolves with the exit code; null when a signal ended it. */
  readonly exit: Promise<number | null>
  readonly #address: Promise<string>

  constructor(command: readonly string[], env: NodeJS.ProcessEnv) {
    const [file = '', ...args] = command
    const { NODE_OPTIONS: _, DATABASE_URL: __, ...own } = process.env
    // A group of its own, as a terminal makes one, to send Ctrl-C to all of it.
    this.process = spawn(file, args, { cwd: root, env: { ...own, ...env }, detached: true })
    this.exit = once(this.process, 'exit').then(([code]) => code as number | null)
    this.#address = new Promise((resolve, reject) => {
      const read = (chunk: Buffer) => {
        this.output += chunk.toString()
        const address = /runs at (http:\S+)/.exec(this.output)?.[1]
        if (address) resolve(address)
      }
      this.process.stdout?.on('data', read)
      this.process.stderr?.on('data', read)
      void this.exit.then((code) => reject(new Error(`It ended with ${code}: ${this.output}`)))
    })
    // Those who wait for the exit only do not ask for the address.
    this.#address.catch(() => {})
  }

  /** Resolves with the address when the app can be used. */
  get ready(): Promise<string> {
    return this.#address
  }

  /** Send `signal` to the process, or with `group` to all that it started. */
  async end(signal: NodeJS.Signals, { group = false } = {}): Promise<number | null> {
    const { pid, exitCode, signalCode } = this.process
    if (pid === undefined || exitCode !== null || signalCode !== null) return this.exit
    process.kill(group ? -pid : pid, signal)
    return this.exit
  }
}

/** Start the example as the last step of `npm start` does; a free port unless one is given. */
export function runMain(env: NodeJS.ProcessEnv): App {
  return new App([process.execPath, '--conditions=@flushout/source', main], { PORT: '0', ...env })
}

/** Type `npm start`. */
export function npmStart(env: NodeJS.ProcessEnv): App {
  return new App(['npm', 'start'], env)
}
