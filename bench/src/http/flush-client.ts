import type { Command, Flush } from '@flushout/core'
import type { HttpConnection } from './http-connection.ts'

/**
 * A client of one model as far as a server can tell: it goes on from the answer that it got.
 * It applies nothing, so that the load costs little.
 */
export class FlushClient {
  readonly #name: string
  readonly #path: string
  readonly #commands: number
  #sequence = 0
  #from = 0
  #hash = ''

  constructor(name: string, path: string, commands: number) {
    this.#name = name
    this.#path = path
    this.#commands = commands
  }

  /** How many commands it has sent. */
  get sent(): number {
    return this.#sequence * this.#commands
  }

  /** Begin where the model is. */
  begin({ commandCount, hash }: { readonly commandCount: number; readonly hash: string }): void {
    this.#from = commandCount
    this.#hash = hash
  }

  /** Send the next flush and wait for its answer. */
  async flush(connection: HttpConnection): Promise<void> {
    this.#sequence += 1
    const flush: Flush = {
      protocol: 1,
      clientId: this.#name,
      sequence: this.#sequence,
      from: this.#from,
      hash: this.#hash,
      commands: Array.from({ length: this.#commands }, (_, index) => this.#command(index)),
    }
    const answer = await connection.post(this.#path, JSON.stringify(flush))
    // As a whole it may be long: what others did comes behind.
    const found = ANSWER.exec(answer)
    if (!found) throw new Error(`A flush was answered: ${answer.slice(0, 500)}`)
    this.#from = Number(found[1])
    this.#hash = found[2]!
  }

  #command(index: number): Command {
    const props =
      index % 2 === 0 ? { text: `by ${this.#name}` } : { done: this.#sequence % 2 === 0 }
    return { action: 'update', path: ['todos', `t${index}`], props }
  }
}

const ANSWER =
  /^\{"clientId":"[^"]+","sequence":\d+,"outcome":"applied","commandCount":(\d+),"hash":"([^"]+)","verdicts":\[\],"remaps":\[\]/
