// What a measurement plays on: a real Postgres, servers and load in processes of
// their own. All of it ends with `close`, whatever happened.
import type { Snapshot } from '@flushout/core'
import { setTimeout as wait } from 'node:timers/promises'
import { createDatabase, startPostgres, type Database } from '../../../test/support/postgres.ts'
import { Child } from '../harness/child.ts'
import type { GeneratorApi, Seen, Target, WriteTask } from './generator-main.ts'
import { Requests } from './requests.ts'
import type { ServerApi } from './server-main.ts'
import type { ClientTask } from './stream-client.ts'

/** A running server. */
export interface Server {
  readonly child: Child<ServerApi>
  readonly port: number
  /** Since when it listens. */
  readonly at: number
}

/** Which client of a crowd looks at which model, through which server. */
export interface Crowd {
  readonly clients: number
  readonly models: number
  readonly servers: readonly Server[]
  /** Over how many processes the clients are spread. */
  readonly processes: number
}

export class Stage {
  readonly #url: string
  readonly #closers: (() => Promise<unknown>)[]
  readonly #signal: AbortSignal
  readonly #profileFolder: string | undefined
  readonly #requests = new Requests(16)
  #generators: Child<GeneratorApi>[] = []
  // Where each model was when the crowd came.
  #starts = new Map<string, Snapshot>()
  readonly #changes = new Map<string, number>()

  private constructor(database: Database, stop: () => Promise<unknown>, options: StageOptions) {
    this.#url = database.url
    this.#closers = [stop, () => database.drop()]
    this.#signal = options.signal
    this.#profileFolder = options.profileFolder
  }

  static async open(options: StageOptions): Promise<Stage> {
    const postgres = await startPostgres()
    try {
      return new Stage(await createDatabase(postgres.url), () => postgres.stop(), options)
    } catch (error) {
      await postgres.stop()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#requests.close()
    // Children first, Postgres last; one that cannot be closed does not keep the others.
    for (const close of this.#closers.splice(0).reverse()) {
      await close().catch((error: Error) => console.error(error.message))
    }
  }

  /** Start a process that is ended with the stage, or at once when the run is stopped. */
  start<A>(file: string, nodeOptions?: readonly string[]): Child<A> {
    this.#signal.throwIfAborted()
    const child = new Child<A>(new URL(file, import.meta.url), nodeOptions)
    this.#signal.addEventListener('abort', () => void child.kill())
    this.#closers.push(() => child.kill())
    return child
  }

  async startServer(port?: number): Promise<Server> {
    const child = this.start<ServerApi>('server-main.ts', ['--expose-gc'])
    return { child, ...(await child.call('listen', this.#url, port)) }
  }

  wait(ms: number): Promise<void> {
    return wait(ms, undefined, { signal: this.#signal })
  }

  /** Make the models, and the processes that the clients will be in. */
  async prepare({ models, servers, processes }: Crowd): Promise<void> {
    const keys = Array.from({ length: models }, (_, model) => `bench:${model}`)
    for (const { port } of servers) {
      const load = async (key: string) => [key, await this.#requests.read(port, key)] as const
      this.#starts = new Map(await Promise.all(keys.map(load)))
    }
    this.#generators = Array.from({ length: processes }, () => this.start('generator-main.ts'))
  }

  /** Connect all clients: those of each model are spread over all processes and servers. */
  async connect({ clients, models, servers, processes }: Crowd): Promise<void> {
    const tasks = Array.from({ length: clients }, (_, number): ClientTask => {
      const key = `bench:${number % models}`
      const { commandCount, hash } = this.#starts.get(key)!
      const round = Math.floor(number / models)
      const { port } = servers[round % servers.length]!
      return { clientId: `client-${number}`, key, port, commandCount, hash }
    })
    const isOf = (index: number) => (_: ClientTask, number: number) =>
      Math.floor(number / models) % processes === index
    await Promise.all(
      this.#generators.map((generator, index) => generator.call('open', tasks.filter(isOf(index)))),
    )
  }

  /** Let the clients write, `perSecond` changes altogether. */
  async write(task: WriteTask): Promise<void> {
    const shares = this.#generators.length
    const writers = task.writers === undefined ? {} : { writers: task.writers / shares }
    const share = { ...task, perSecond: task.perSecond / shares, ...writers }
    const all = await Promise.all(this.#generators.map((each) => each.call('write', share)))
    for (const [key, count] of all.flatMap((written) => [...written])) {
      this.#changes.set(key, (this.#changes.get(key) ?? 0) + count)
    }
  }

  /**
   * Wait until every client is where the models are. Throws if one of them did
   * not get each change exactly once.
   */
  async settle({ port }: Server): Promise<void> {
    const read = async ([key, start]: [string, Snapshot]) => {
      const { commandCount, hash } = await this.#requests.read(port, key)
      const changes = this.#changes.get(key) ?? 0
      if (commandCount !== start.commandCount + changes) {
        throw new Error(`${key} is at ${commandCount}, but got ${changes} changes.`)
      }
      return [key, { commandCount, hash, changes }] as const
    }
    const targets = new Map<string, Target>(await Promise.all([...this.#starts].map(read)))
    await Promise.all(this.#generators.map((generator) => generator.call('settle', targets)))
  }

  /** Stop `count` clients altogether from reading. */
  async stall(count: number): Promise<void> {
    const share = count / this.#generators.length
    await Promise.all(this.#generators.map((generator) => generator.call('stall', share)))
  }

  async resume(): Promise<void> {
    await Promise.all(this.#generators.map((generator) => generator.call('resume')))
  }

  /** What all clients saw since this was last asked. */
  async collect(): Promise<Seen[]> {
    return Promise.all(this.#generators.map((generator) => generator.call('collect')))
  }

  /** Measure what `run` takes of the server's processor, in percent of one; with a profile if asked for. */
  async watch({ child }: Server, name: string, run: () => Promise<void>): Promise<number> {
    if (this.#profileFolder) await child.call('startProfile')
    const [cpu, start] = [await child.call('readCpu'), performance.now()]
    await run()
    const percent = (((await child.call('readCpu')) - cpu) * 100) / (performance.now() - start)
    if (this.#profileFolder) {
      await child.call('stopProfile', `${this.#profileFolder}/${name}.cpuprofile`)
    }
    return percent
  }
}

export interface StageOptions {
  /** Stops everything at once. */
  readonly signal: AbortSignal
  /** Where to write profiles of the server, if they are wanted. */
  readonly profileFolder?: string | undefined
}
