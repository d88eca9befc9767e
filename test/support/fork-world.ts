import { createClient, directTransport, type Client, type Model } from '@flushout/client'
import { isFlushoutError, Master, type Receipt } from '@flushout/core'
import {
  allowAnyone,
  createService,
  postgresStore,
  type CheckpointRule,
  type FlushoutService,
} from '@flushout/server'
import { expect, inject, vi } from 'vitest'
import { digest } from '../../packages/server/src/digest.ts'
import { chainHash } from './stored-model.ts'
import { RewindableDatabase, type Backup } from './rewind.ts'

export const KEY = 'todos:shared'
const TIMING = { quietMs: 0, maxDelayMs: 2, pollMs: 10, retryBaseMs: 2, retryMaxMs: 20 }
const PATIENCE = { timeout: 20_000, interval: 5 }

interface TodoList {
  readonly todos: { readonly [id: string]: object }
}

/** A client of one server, with every refusal that was no passing fault. */
export class Peer {
  readonly service: FlushoutService
  readonly client: Client
  readonly model: Model<TodoList>
  readonly refusals: string[] = []

  constructor(service: FlushoutService) {
    this.service = service
    const transport = directTransport({
      snapshot: (key) => this.#note(service.snapshot(key)),
      flush: (key, flush) => this.#note(service.flush(key, flush)),
    })
    this.client = createClient({ transport, flush: TIMING })
    this.model = this.client.model<TodoList>(KEY)
    this.model.watch()
  }

  create(id: string): Receipt {
    return this.model.create(['todos'], { text: id }, { id })
  }

  /** Create todos, each acknowledged before the next. */
  async save(...ids: string[]): Promise<void> {
    for (const id of ids) expect(await this.create(id).verdict).toEqual({ kind: 'applied' })
  }

  /** Wait until the master vouched for so many commands. */
  async reach(count: number): Promise<void> {
    await vi.waitFor(() => expect(this.model.status.confirmed).toBe(count), PATIENCE)
  }

  /** The ids of its todos, in their order. */
  get ids(): string[] {
    return Object.keys(this.model.read()!.todos)
  }

  async #note<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
      if (isFlushoutError(error) && error.retry !== 'same-flush') this.refusals.push(error.code)
      throw error
    })
  }
}

/** Two servers on one database, with a client each: Ada at the first, Bob at the second. */
export class ForkWorld implements AsyncDisposable {
  readonly database: RewindableDatabase
  readonly #services: FlushoutService[] = []
  readonly #peers: Peer[] = []

  private constructor(database: RewindableDatabase) {
    this.database = database
  }

  static async begin(): Promise<ForkWorld & { readonly ada: Peer; readonly bob: Peer }> {
    const world = new ForkWorld(await RewindableDatabase.create(inject('postgresUrl')))
    return Object.assign(world, { ada: await world.join(), bob: await world.join() })
  }

  /** A client of `service`, or of a server of its own. */
  async join(service?: FlushoutService): Promise<Peer> {
    const peer = new Peer(service ?? (await this.startServer()))
    this.#peers.push(peer)
    await peer.model.ready
    return peer
  }

  /**
   * A server with nothing in memory. It writes the document with each commit, and
   * so remembers little history, unless `checkpoint` says otherwise.
   */
  async startServer(checkpoint: Partial<CheckpointRule> = { bytes: 0 }): Promise<FlushoutService> {
    const store = postgresStore({ connectionString: this.database.url, maxConnections: 2 })
    await store.migrate()
    const service = createService({
      store,
      authorize: allowAnyone,
      models: [{ pattern: 'todos:*', initial: { todos: {} } }],
      checkpoint,
    })
    this.#services.push(service)
    return service
  }

  /** Keep what the database holds now. */
  async save(): Promise<Backup> {
    await this.#rest()
    const backup = await this.database.save()
    this.resume()
    return backup
  }

  /**
   * Put the database back under the servers, which have all of what it held in
   * memory. Everybody is away, and stays so.
   */
  async restore(backup: Backup): Promise<void> {
    await this.#rest()
    await this.database.restore(backup)
  }

  /** Send everybody away, and let the servers be idle: whom a break hits forgets the model. */
  async #rest(): Promise<void> {
    this.pause()
    await Promise.all(this.#services.map((service) => service.snapshot(KEY)))
  }

  pause(): void {
    for (const { client } of this.#peers) client.pause()
  }

  resume(): void {
    for (const { client } of this.#peers) client.resume()
  }

  /** Wait until all clients have sent and seen everything; then compare all there is. */
  async settle(): Promise<TodoList> {
    this.resume()
    const cold = await this.startServer()
    let truth = await cold.snapshot(KEY)
    await vi.waitFor(async () => {
      truth = await cold.snapshot(KEY)
      for (const { model } of this.#peers) {
        const { queued, inFlight, confirmed, state } = model.status
        const settled = { queued: 0, inFlight: 0, confirmed: truth.commandCount, state: 'polling' }
        expect({ queued, inFlight, confirmed, state }).toEqual(settled)
        // Another past may be as long as this one: who did not ask yet is not done.
        expect(JSON.stringify(model.read())).toBe(JSON.stringify(truth.document))
      }
    }, PATIENCE)
    for (const service of this.#services) expect(await service.snapshot(KEY)).toEqual(truth)
    await this.#checkChain(truth.commandCount, truth.hash)
    return truth.document as unknown as TodoList
  }

  /** The history is one piece, each hash made of the one before, and nothing in it is there twice. */
  async #checkChain(commandCount: number, hash: string): Promise<void> {
    const store = postgresStore({ connectionString: this.database.url, maxConnections: 1 })
    const { entries, floorHash } = (await store.history(KEY, 0, commandCount, 1e9))!
    await store.close()
    expect(entries[0]!.from).toBe(0)
    let last = floorHash
    for (const entry of entries) {
      last = chainHash(last, entry)
      expect(entry.hash).toBe(last)
    }
    const genesis = { commandCount: 0, hash: floorHash, document: { todos: {} } }
    const replay = new Master(genesis, { createId: () => 'unused', digest })
    replay.advance(entries)
    expect([replay.commandCount, replay.hash]).toEqual([commandCount, hash])
    const flushes = entries.map(({ clientId, sequence }) => `${clientId} ${sequence}`)
    expect(new Set(flushes).size).toBe(flushes.length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client } of this.#peers) client.close()
    await Promise.all(this.#services.map((service) => service.close()))
    await this.database[Symbol.asyncDispose]()
  }
}
