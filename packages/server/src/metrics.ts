import type { Observer } from './observe.ts'

/** An observer whose figures can be read, by `GET /metrics` below the prefix of the plugin. */
export interface Metrics extends Observer {
  /** The content type of what `read` gives. */
  readonly contentType: string
  /** Whether somebody may read them who sent this `authorization` header. Left out where nobody may. */
  readonly allows?: ((authorization: string | undefined) => boolean) | undefined
  /** All figures as text. */
  read(): Promise<string>
}
