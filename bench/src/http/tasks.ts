/** Who writes where, and how much at a time. */
export interface Task {
  /** How many connections there are, each of which waits for one answer at a time. */
  readonly connections: number
  /** Who writes, in turn over the connections. */
  readonly clients: number
  /** What they write to: client n to model n, counted again from the first. */
  readonly models: number
  /** Of a flush. */
  readonly commands: number
}

/** Everybody has a model, and there are more of them than connections. */
export const MANY: Task = { connections: 64, clients: 1000, models: 1000, commands: 2 }
/** All at one model. */
export const HOT: Task = { connections: 50, clients: 50, models: 1, commands: 2 }
/** Each at their own, with longer flushes. */
export const OWN: Task = { connections: 200, clients: 200, models: 200, commands: 5 }

/** Characters of JSON of a document. */
export const DOCUMENT_BYTES = 10_000
