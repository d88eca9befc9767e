import { CommandProxy, Master, type JsonObject } from '@flushout/core'
import { hash } from 'node:crypto'
import { createId, type TodoList } from './todo-list.ts'
import { textOf, type Site } from './site.ts'

/** A master and one proxy, which have exchanged nothing yet. */
export interface Pair {
  readonly master: Master
  readonly proxy: CommandProxy
}

/** Who writes to the master and when: all of it is the same to a benchmark. */
export const CONTEXT = { user: { id: 'ada' }, now: 0, seed: 'seed' } as const

/** As the server does it. */
function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22)
}

export function makePair(document: JsonObject): Pair {
  const snapshot = { commandCount: 0, hash: digest('genesis'), document }
  return {
    master: new Master(snapshot, { createId, digest, maxDocumentBytes: 64 * 1024 * 1024 }),
    proxy: new CommandProxy(snapshot, { createId, now: () => Date.now() }),
  }
}

/** Somebody who sends updates of the texts of todos to a master, one flush after the other. */
export class Colleague {
  readonly #master: Master
  readonly #clientId = createId()
  #sequence = 0

  constructor(master: Master) {
    this.#master = master
  }

  write(ids: readonly string[], text: string): void {
    const { commandCount: from, hash: known } = this.#master
    const commands = ids.map((id) => ({
      action: 'update' as const,
      path: ['todos', id],
      props: { text },
    }))
    const { clientId } = { clientId: this.#clientId }
    const sequence = (this.#sequence += 1)
    const flush = { protocol: 1, clientId, sequence, from, hash: known, commands } as const
    const { verdicts } = this.#master.apply(flush, CONTEXT)
    if (verdicts.length > 0) throw new Error('Not all was applied as sent.')
  }
}

export function makeFlushoutSite({ document, ids }: TodoList, queued: number): Site {
  const { master, proxy } = makePair(document)
  const colleague = new Colleague(master)
  for (let n = 0; n < queued; n += 1) {
    proxy.update(['todos', ids[n % (ids.length / 2)]!], { text: textOf(n) })
  }
  return {
    name: 'Flushout',
    news(id, text) {
      const { commandCount, hash: known } = master
      colleague.write([id], text)
      const message = JSON.stringify(master.pull(commandCount, known))
      return () => {
        if (proxy.receive(JSON.parse(message)) !== 'applied') throw new Error('It was not applied.')
      }
    },
    read: (id) => proxy.read(['todos', id, 'text']),
  }
}
