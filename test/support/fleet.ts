import {
  createClient,
  httpTransport,
  type Client,
  type Model,
  type ModelStatus,
} from '@flushout/client'
import type { ModelDefinition } from '@flushout/core/define'
import { Balancer } from './balancer.ts'
import { Ledger } from './ledger.ts'
import { createDatabase, type Database } from './postgres.ts'
import { ServerProcess } from './server-process.ts'

export interface TodoList {
  readonly todos: { readonly [id: string]: { readonly count?: number } }
}

/** Server processes on one database behind a balancer, and clients with live connections. */
export class Fleet implements AsyncDisposable {
  readonly database: Database
  readonly balancer: Balancer
  readonly ledger = new Ledger()
  /** Every state that a model of a client was ever in. */
  readonly states = new Set<ModelStatus['state']>()
  readonly #servers: Set<ServerProcess>
  readonly #clients: Client[] = []

  private constructor(database: Database, balancer: Balancer, servers: readonly ServerProcess[]) {
    this.database = database
    this.balancer = balancer
    this.#servers = new Set(servers)
  }

  /** Start `size` servers on a database of their own. */
  static async start(postgresUrl: string, size: number, version?: number): Promise<Fleet> {
    const database = await createDatabase(postgresUrl)
    const settings = { url: database.url, ...(version !== undefined && { version }) }
    const starting = Array.from({ length: size }, () => ServerProcess.start(settings))
    const servers = await Promise.all(starting)
    return new Fleet(database, await Balancer.start(servers.map(({ address }) => address)), servers)
  }

  get servers(): readonly ServerProcess[] {
    return [...this.#servers]
  }

  /** Start another server, in the place of one that is gone if `port` is its port. */
  async add(port?: number, version?: number): Promise<ServerProcess> {
    const url = this.database.url
    const server = await ServerProcess.start({
      url,
      ...(port !== undefined && { port }),
      ...(version !== undefined && { version }),
    })
    this.#servers.add(server)
    if (port === undefined) this.balancer.add(server.address)
    return server
  }

  /** End a server as a platform does: take it out of the turn, then ask it to end. */
  async retire(server: ServerProcess): Promise<NodeJS.Signals | number> {
    await this.balancer.drain(server.address)
    server.signal('SIGTERM')
    this.#servers.delete(server)
    return server.exit
  }

  /** A client of its own page, which any server may serve. */
  connect(models: readonly ModelDefinition[] = []): Client {
    const transport = httpTransport({ url: `${this.balancer.address}/flushout` })
    const watched = {
      ...this.ledger.watch(transport),
      ...(transport.live && { live: transport.live }),
    }
    // Nothing comes by asking while a connection is open.
    const flush = { quietMs: 0, maxDelayMs: 5, pollMs: 200, retryBaseMs: 20, retryMaxMs: 200 }
    const client = createClient({ transport: watched, flush, models })
    this.#clients.push(client)
    return client
  }

  /** A model that is watched as long as the fleet sails, its states written down. */
  watch<Doc extends object = TodoList>(client: Client, key: string): Model<Doc> {
    const model: Model<Doc> = client.model<Doc>(key as never)
    const note = () => void this.states.add(model.status.state)
    note()
    model.subscribeStatus(note)
    model.watch()
    return model
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.balancer[Symbol.asyncDispose]()
    await Promise.all([...this.#servers].map((server) => server.kill()))
    await this.database.drop()
  }
}
