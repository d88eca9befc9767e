import { once } from 'node:events'
import { Connection, type Doc } from 'sharedb/lib/client/index.js'
import { promisify } from 'node:util'
import { WebSocket } from 'ws'
import type { Task } from './tasks.ts'

interface Document {
  readonly todos: Readonly<Record<string, Record<string, unknown>>>
}

type SharedDoc = Doc<Document>

/**
 * Clients of ShareDB, each with a connection and a copy of the one document. As ours they hear
 * of what others did when they are answered, and not in between.
 */
export class ShareDbLoad {
  readonly #docs: readonly SharedDoc[]
  readonly #commands: number
  #sent = 0

  private constructor(docs: readonly SharedDoc[], commands: number) {
    this.#docs = docs
    this.#commands = commands
  }

  static async open(port: number, { connections, commands }: Task): Promise<ShareDbLoad> {
    const opened = Array.from({ length: connections }, () => openDoc(port))
    return new ShareDbLoad(await Promise.all(opened), commands)
  }

  /** An operation of a client. */
  async work(worker: number): Promise<void> {
    const doc = this.#docs[worker]!
    this.#sent += 1
    const op = Array.from({ length: this.#commands }, (_, index) => {
      const isText = index % 2 === 0
      const key = isText ? 'text' : 'done'
      const value = isText ? `by client-${worker}` : this.#sent % 2 === 0
      const path = ['todos', `t${index}`, key]
      return { p: path, od: doc.data.todos[`t${index}`]![key], oi: value }
    })
    await promisify((done: (error?: unknown) => void) => doc.submitOp(op, {}, done))()
  }

  /** Throw unless the document went on by what was sent. */
  async check(): Promise<void> {
    const doc = this.#docs[0]!
    await fetch(doc)
    // It is at 1 when it was made.
    if (doc.version !== this.#sent + 1) {
      throw new Error(`${this.#sent} operations were sent, and the document is at ${doc.version}.`)
    }
  }
}

async function openDoc(port: number): Promise<SharedDoc> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  const connection = new Connection(socket as never)
  await once(socket, 'open')
  const doc = connection.get('bench', '0') as SharedDoc
  await fetch(doc)
  return doc
}

async function fetch(doc: SharedDoc): Promise<void> {
  await promisify((done: (error?: unknown) => void) => doc.fetch(done))()
}
