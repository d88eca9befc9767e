import type { Model, Outcome, Receipt } from '@flushout/client'
import type { Snapshot } from '@flushout/core'
import type { Random } from './random.ts'

/** What the models of these tests hold. */
export interface TodoList {
  readonly todos: { readonly [id: string]: Todo }
}

interface Todo {
  readonly by: string
  readonly n: number
}

interface Edit {
  readonly receipt: Receipt
  readonly id: string
  /** What the todo is afterwards; undefined if it is gone. */
  readonly todo: Todo | undefined
}

const MAX_PENDING = 100
const MAX_TODOS = 30

/**
 * Somebody who edits one model steadily, todos of their own only, and remembers
 * what became of each edit. So what must be stored is known without asking.
 */
export class Writer {
  readonly name: string
  readonly model: Model<TodoList>
  readonly #random: Random
  readonly #unwatch: () => void
  #open: Edit[] = []
  readonly #mine: string[] = []
  /** What the edits come to of which an outcome is known. */
  readonly expected = new Map<string, Todo>()
  /** How many edits were told to be applied. */
  applied = 0
  /** Outcomes that are not "applied". */
  readonly refused: Outcome[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(name: string, model: Model<TodoList>, random: Random) {
    this.name = name
    this.model = model
    this.#random = random
    this.#unwatch = model.watch()
  }

  /** Edit on, a few times every few milliseconds. */
  start(): void {
    this.#timer = setInterval(() => {
      for (let n = this.#random(3); n >= 0; n -= 1) this.#edit()
    }, 4)
  }

  /** How it stands, in a line. */
  describe(): string {
    const { state, queued, inFlight, confirmed, error } = this.model.status
    const open = this.#open.filter(({ receipt }) => !receipt.outcome).length
    return (
      `${this.name}: ${state}, ${confirmed} confirmed, ${open} edits without an outcome, ` +
      `${queued} queued, ${inFlight} in flight${error ? `, ${error.code}: ${error.message}` : ''}`
    )
  }

  /** Edit no more. */
  stop(): void {
    clearInterval(this.#timer)
  }

  close(): void {
    this.stop()
    this.#unwatch()
  }

  /** Whether every edit has an outcome, all of which are taken into account then. */
  settle(): boolean {
    const next = this.#open.findIndex(({ receipt }) => !receipt.outcome)
    const settled = this.#open.splice(0, next === -1 ? Infinity : next)
    for (const { receipt, id, todo } of settled) {
      if (receipt.outcome!.kind !== 'applied') {
        this.refused.push(receipt.outcome!)
        continue
      }
      this.applied += 1
      if (todo) this.expected.set(id, todo)
      else this.expected.delete(id)
    }
    return this.#open.length === 0
  }

  /** Tell what was applied, as this writer was told, and shows in `document` in another way. */
  audit({ todos }: TodoList): string[] {
    const findings: string[] = []
    for (const [id, todo] of this.expected) {
      const found = JSON.stringify(todos[id])
      if (found === JSON.stringify(todo)) continue
      findings.push(
        `todo ${id} of ${this.name} was told to be ${JSON.stringify(todo)}, is ${found}`,
      )
    }
    for (const [id, { by }] of Object.entries(todos)) {
      if (by !== this.name || this.expected.has(id)) continue
      findings.push(`todo ${id} of ${this.name} was told to be deleted or refused, and is there`)
    }
    return findings
  }

  #edit(): void {
    if (this.#open.length > MAX_PENDING) this.settle()
    if (this.#open.length > MAX_PENDING) return
    const { model, name } = this
    const choice = this.#mine.length > MAX_TODOS ? 0 : this.#random(4)
    const id = this.#mine[choice === 0 ? 0 : this.#random(this.#mine.length)] ?? ''
    // Gone only where the database has lost it.
    const known = model.read(['todos', id])
    if (choice === 0 && known) {
      this.#mine.shift()
      this.#open.push({ receipt: model.delete(['todos', id]), id, todo: undefined })
    } else if (choice === 1 && known) {
      const todo = { by: name, n: known.n + 1 }
      this.#open.push({ receipt: model.update(['todos', id], { n: todo.n }), id, todo })
    } else {
      const todo = { by: name, n: 0 }
      const receipt = model.create(['todos'], todo)
      this.#mine.push(receipt.id)
      this.#open.push({ receipt, id: receipt.id, todo })
    }
  }
}

/** Tell how all that the writers of a model were told differs from its snapshot. */
export function auditWriters(
  writers: readonly Writer[],
  { commandCount, document }: Snapshot,
): string[] {
  const findings = writers.flatMap((writer) => writer.audit(document as unknown as TodoList))
  const applied = writers.reduce((sum, writer) => sum + writer.applied, 0)
  if (applied !== commandCount) {
    findings.push(`${applied} edits were told to be applied, the history has ${commandCount}`)
  }
  return findings
}
