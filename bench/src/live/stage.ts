// What a measurement plays on: a real Postgres, servers and load in processes of
// their own. All of it ends with the measurement, whatever happened.
import type { Snapshot } from '@flushout/core'
import { setTimeout as wait } from 'node:timers/promises'
import { Child } from '../harness/child.ts'
import type { Context } from '../harness/section.ts'
import { withPostgres, type MeasuredPostgres } from '../server/postgres.ts'
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

/** What was used of the processors, in percent of one. */
export interface Usage {
  /** All servers together. */
  readonly servers: number
  readonly postgres: number
  /** The clients, who share the machine with the others. */
  readonly load: number
}

/** Let something be played, and clear the stage. */
export function withStage<Result>(
  context: Context,
  play: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  return withPostgres(async (postgres) => {
    const stage = new Stage(postgres, context)
    try {
      return await play(stage)
    } finally {
      await stage.close()
    }
  })
}

export class Stage {
  readonly #postgres: MeasuredPostgres
  readonly #context: Context
  readonly #children: Child<object>[] = []
  readonly #requests = new Requests(16)
  #generators: Child<GeneratorApi>[] = []
  // Where each model was when the crowd came.
  #starts = new Map<string, Snapshot>()
  readonly #changes = new Map<string, number>()

  constructor(postgres: MeasuredPostgres, context: Context) {
    this.#postgres = postgres
    this.#context = context
  }

  async close(): Promise<void> {
    this.#requests.close()
    await Promise.all(this.#children.map((child) => child.kill()))
  }

  /** Start a process that is ended with the stage, or at once when the run is stopped. */
  start<A extends object>(file: string, nodeOptions?: readonly string[]): Child<A> {
    const { signal } = this.#context
    signal.throwIfAborted()
    const child = new Child<A>(new URL(file, import.meta.url), nodeOptions)
    signal.addEventListener('abort', () => void child.kill())
    this.#children.push(child)
    return child
  }

  /** Start a server; the one that does only what none can do without, if `isPlain`. */
  async startServer({ port, isPlain }: { port?: number; isPlain?: boolean } = {}): Promise<Server> {
    const file = isPlain ? 'plain-server-main.ts' : 'server-main.ts'
    const child = this.start<ServerApi>(file, ['--expose-gc'])
    return { child, ...(await child.call('listen', this.#postgres.url, port)) }
  }

  wait(ms: number): Promise<void> {
    return wait(ms, undefined, { signal: this.#context.signal })
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
   * Wait until every client that reads is where the models are. Throws if one of
   * them did not get each change exactly once.
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

  /** Measure what `run` takes of the processors; with profiles of the servers if asked for. */
  async watch(servers: readonly Server[], name: string, run: () => Promise<void>): Promise<Usage> {
    const { profileFolder } = this.#context
    const fileOf = (number: number) => `${profileFolder}/${name}-${number}.cpuprofile`
    const children = servers.map(({ child }) => child)
    if (profileFolder) await Promise.all(children.map((child) => child.call('startProfile')))
    const [before, start] = [await this.#readCpu(children), performance.now()]
    await run()
    const [after, ms] = [await this.#readCpu(children), performance.now() - start]
    if (profileFolder) {
      await Promise.all(children.map((child, number) => child.call('stopProfile', fileOf(number))))
    }
    const percent = (of: keyof Usage) => ((after[of] - before[of]) * 100) / ms
    return { servers: percent('servers'), postgres: percent('postgres'), load: percent('load') }
  }

  /** Milliseconds so far. */
  async #readCpu(children: readonly Child<ServerApi>[]): Promise<Usage> {
    const servers = await Promise.all(children.map((child) => child.call('readCpu')))
    const load = await Promise.all(this.#generators.map((each) => each.call('readCpu')))
    return { servers: sum(servers), postgres: this.#postgres.readCpu() / 1000, load: sum(load) }
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
