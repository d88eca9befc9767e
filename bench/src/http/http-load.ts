import { FlushClient } from './flush-client.ts'
import { HttpConnection } from './http-connection.ts'
import type { Task } from './tasks.ts'

/** Clients that flush over HTTP. */
export class HttpLoad {
  readonly #task: Task
  readonly #connections: readonly HttpConnection[]
  readonly #clients: readonly FlushClient[]
  readonly #turns: number[]

  private constructor(task: Task, connections: readonly HttpConnection[]) {
    this.#task = task
    this.#connections = connections
    this.#turns = connections.map((_, index) => index)
    this.#clients = Array.from({ length: task.clients }, (_, index) => {
      return new FlushClient(
        `client-${index}`,
        `${pathOf(index % task.models)}/flush`,
        task.commands,
      )
    })
  }

  static async open(port: number, task: Task): Promise<HttpLoad> {
    const opened = Array.from({ length: task.connections }, () => HttpConnection.open(port))
    const load = new HttpLoad(task, await Promise.all(opened))
    const snapshots = await load.#readAll()
    load.#clients.forEach((client, index) => client.begin(snapshots[index % task.models]!))
    return load
  }

  /** A flush over one of the connections, of the client whose turn it is there. */
  async work(worker: number): Promise<void> {
    const client = this.#turns[worker]!
    const next = client + this.#connections.length
    this.#turns[worker] = next < this.#clients.length ? next : worker
    await this.#clients[client]!.flush(this.#connections[worker]!)
  }

  /** Throw unless all that was sent is in the models, once. */
  async check(): Promise<void> {
    const sent = this.#clients.reduce((sum, client) => sum + client.sent, 0)
    const found = (await this.#readAll()).reduce((sum, model) => sum + model.commandCount, 0)
    if (found !== sent) throw new Error(`${sent} commands were sent, and the models hold ${found}.`)
  }

  /** Where each model is; it is made if it is not there. */
  async #readAll(): Promise<Position[]> {
    const positions: Position[] = []
    const { models } = this.#task
    await Promise.all(
      this.#connections.map(async (connection, first) => {
        for (let model = first; model < models; model += this.#connections.length) {
          positions[model] = JSON.parse(await connection.get(pathOf(model))) as Position
        }
      }),
    )
    return positions
  }
}

interface Position {
  readonly commandCount: number
  readonly hash: string
}

function pathOf(model: number): string {
  return `/flushout/models/bench%3A${model}`
}
