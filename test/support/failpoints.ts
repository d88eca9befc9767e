// Places in a server process at which it can be made to end itself, or to stand
// still. They lie on public seams alone: what is tested is the product as it is.
import type { Authorize, ModelStore, PostgresClient, PostgresPool, Rule } from '@flushout/server'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** The places, in the order in which a flush passes them. */
export const FAILPOINTS = [
  'in-authorize',
  /** The model was read, and nothing of it is in memory yet. */
  'on-load',
  /** Before the first command of a flush. */
  'in-interceptor',
  /** Some of what is to be committed is applied in memory, and some is not. */
  'in-apply',
  'before-commit',
  /** Postgres has the statement; nobody waits for its answer. */
  'commit-sent',
  /** The same, with a statement that also writes a document. */
  'in-checkpoint',
  /** The row of the model is locked, and nothing written. */
  'lock-held',
  /** All is written under the lock, and Postgres has been told to commit. */
  'lock-commit-sent',
  'after-commit',
  /** Postgres has been told to forget history. */
  'in-trim',
  'after-trim',
  'before-answer',
  /** The client has the head of the answer and half of its body. */
  'half-answer',
] as const

export type Failpoint = (typeof FAILPOINTS)[number]

/** Make the process end or stand still when it passes `at` for the `pass`-th time. */
export interface Trap {
  readonly at: Failpoint
  readonly pass: number
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

/** What the other process reads from the standard output when a trap goes off. */
export const REACHED = 'reached '

const NEVER = new Promise<never>(() => {})

/** The one trap of this process, and the seams that it can be set in. */
export class Failpoints {
  #trap: Trap | undefined
  #passes = 0
  // Whether a command was applied in this turn of the event loop.
  #isApplying = false
  /** Whether history is trimmed at all: else the audit sees everything. */
  isTrimming = false
  /** How often a commit found that another writer was first. */
  conflicts = 0

  set(trap: Trap | undefined): void {
    this.#trap = trap
    this.#passes = 0
  }

  readonly authorize: Authorize = async (_user, action) => {
    if (action === 'write') this.#pass('in-authorize')
    return true
  }

  readonly rule: Rule = () => {
    this.#pass(this.#isApplying ? 'in-apply' : 'in-interceptor')
    this.#isApplying = true
    queueMicrotask(() => void (this.#isApplying = false))
  }

  wrapStore(store: ModelStore): ModelStore {
    const changes: Partial<ModelStore> = {
      load: async (key, clientIds) => {
        const stored = await store.load(key, clientIds)
        if (stored) this.#pass('on-load')
        return stored
      },
      commit: async (writes) => {
        this.#pass('before-commit')
        const outcomes = await store.commit(writes)
        this.conflicts += outcomes.filter((outcome) => outcome === 'conflict').length
        // A checkpoint alone is no flush that anybody waits for.
        if (outcomes.includes('committed') && writes.some(({ entries }) => entries.length > 0)) {
          this.#pass('after-commit')
        }
        return outcomes
      },
      exclusively: async (key, known, clientIds, stage) => {
        const outcome = await store.exclusively(key, known, clientIds, (news) => {
          this.#pass('lock-held')
          return stage(news)
        })
        if (outcome === 'committed') this.#pass('after-commit')
        return outcome
      },
      trim: async (key, range) => {
        if (!this.isTrimming) return 'done'
        const trimmed = await store.trim(key, range)
        this.#pass('after-trim')
        return trimmed
      },
    }
    return new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  wrapPool(pool: PostgresPool): PostgresPool {
    // The store recognises a client that it has had before.
    const wrapped = new WeakMap<PostgresClient, PostgresClient>()
    return {
      connect: async () => {
        const client = await pool.connect()
        const known = wrapped.get(client) ?? this.#wrapClient(client)
        wrapped.set(client, known)
        return known
      },
    }
  }

  /** Has to come before the plugin. */
  hookInto(app: FastifyInstance): void {
    app.addHook('onSend', async (request, reply, payload) => {
      const { commands = [] } = Object(request.body) as { commands?: unknown[] }
      if (reply.statusCode !== 200 || commands.length === 0) return payload
      this.#pass('before-answer')
      return this.#counts('half-answer') ? this.#answerHalf(reply, String(payload)) : payload
    })
  }

  async #answerHalf(reply: FastifyReply, text: string): Promise<never> {
    reply.hijack()
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-length': Buffer.byteLength(text),
    })
    reply.raw.write(text.slice(0, text.length / 2), () => this.#goOff('half-answer'))
    return NEVER
  }

  #wrapClient(client: PostgresClient): PostgresClient {
    return {
      query: async (query) => {
        const answer = client.query(query)
        const at = statementPoint(query)
        if (!at || !this.#counts(at)) return answer
        // Not before it has left this process.
        await nextTurn()
        await nextTurn()
        this.#goOff(at)
        return answer
      },
      release: (error) => client.release(error),
      on: (event, listener) => client.on(event, listener),
    }
  }

  #pass(at: Failpoint): void {
    if (this.#counts(at)) this.#goOff(at)
  }

  /** Count one more pass at `at`; true if the trap goes off at this one. */
  #counts(at: Failpoint): boolean {
    if (this.#trap?.at !== at) return false
    this.#passes += 1
    return this.#passes === this.#trap.pass
  }

  #goOff(at: Failpoint): void {
    const { signal } = this.#trap!
    // At once and not by a message, which would be sent after this turn.
    writeSync(1, `${REACHED}${at}\n`)
    process.kill(process.pid, signal)
  }
}

type Query = Parameters<PostgresClient['query']>[0]

function statementPoint({ name = '', text, values }: Query): Failpoint | undefined {
  if (text === 'commit') return 'lock-commit-sent'
  if (name.startsWith('flushout trim')) return 'in-trim'
  if (!name.startsWith('flushout commit')) return undefined
  // A list as Postgres writes it: of nulls alone, nothing is quoted.
  const checkpoints = values?.[7] as string
  return checkpoints.includes('"') ? 'in-checkpoint' : 'commit-sent'
}
