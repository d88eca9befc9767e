/** Where the server tells what happened; the `log` of a Fastify instance is one. */
export interface Log {
  /** A developer must look. */
  error(details: object, message: string): void
  /** Something was changed. */
  info(details: object, message: string): void
  debug(details: object, message: string): void
}

/** Tells nobody. */
export const silentLog: Log = { error() {}, info() {}, debug() {} }
