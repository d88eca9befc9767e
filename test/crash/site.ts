import { KillablePostgres, type PostgresSettings } from '../support/killable-postgres.ts'
import { ServerProcess, type ServerSettings } from '../support/server-process.ts'
import { until } from '../support/until.ts'

type Settings = Omit<ServerSettings, 'url' | 'port'>

/** Servers on one Postgres, all of which can be killed and come back at their addresses. */
export class Site {
  readonly postgres: KillablePostgres
  readonly #settings: Settings
  readonly #servers: ServerProcess[] = []

  private constructor(postgres: KillablePostgres, settings: Settings) {
    this.postgres = postgres
    this.#settings = settings
  }

  static async start(
    servers: number,
    settings: Settings = {},
    postgres: PostgresSettings = {},
  ): Promise<Site> {
    const site = new Site(await KillablePostgres.start(postgres), settings)
    try {
      await Promise.all(Array.from({ length: servers }, (_, index) => site.restartServer(index)))
    } catch (error) {
      await site.stop()
      throw error
    }
    return site
  }

  get servers(): readonly ServerProcess[] {
    return this.#servers
  }

  /** Start the server of this number again, at the address that it had. */
  async restartServer(index: number, settings: Settings = {}): Promise<void> {
    const port = this.#servers[index]?.port
    const all = { ...this.#settings, ...settings, url: this.postgres.url, ...(port && { port }) }
    // As whatever watches over servers does: again, until it stays up.
    let refusal: unknown
    const start = () => ServerProcess.start(all).catch((error: unknown) => void (refusal = error))
    this.#servers[index] = await until(`server ${index} starts`, start).catch((error: Error) => {
      error.cause = refusal
      throw error
    })
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#servers.map((server) => server.kill()))
    await this.postgres.stop()
  }
}
