// The steps that a page can undo, on disk, so that the next page of the same tab can
// undo them. A step is a row, and is written when it is another:
//
//   ['step', page, number]     below the other rows of the model
import type { StepMemory, UndoStack } from '@flushout/core/undo'
import type { StepPages, StepPlace } from '../model-tracker.ts'
import type { StorageChange, StorageKey, StorageRow } from '../storage/client-storage.ts'

/** So many characters are kept of each list, the latest steps first. */
const MAX_CHARACTERS = 100_000
/** What a closed tab can still undo when it is opened again. */
const MAX_AGE_MS = 7 * 24 * 60 * 60 * 1_000

/** Let `stack` go on where that of the page before was, and keep it for the page after. */
export async function keepSteps(stack: UndoStack, place: StepPlace): Promise<void> {
  const { pages, prefix, clientId, pending } = place
  const all = [...prefix, 'step']
  const before = await pages.before()
  const rows = new Map<string, StorageRow[]>()
  for (const row of await pages.storage.read(all)) {
    const page = row.key[all.length] as string
    rows.set(page, [...(rows.get(page) ?? []), row])
  }
  const shelf = new StepShelf(pages, [...all, pages.page])
  // This page has some if it had the model open before.
  const left = rows.get(pages.page) ?? rows.get(before ?? '') ?? []
  const over = await listOver(pages, rows, before)
  shelf.clear([...over, pages.page].map((page) => [...all, page]))
  stack.keep({
    steps: left.map(({ value }) => readStep(value)),
    clientId,
    pending,
    changed: () => shelf.saveSoon(stack),
  })
}

/** The pages whose steps nobody can want any more. */
async function listOver(
  pages: StepPages,
  rows: ReadonlyMap<string, readonly StorageRow[]>,
  before: string | undefined,
): Promise<readonly string[]> {
  const since = pages.environment.now() - MAX_AGE_MS
  const old = [...rows].filter(([, steps]) =>
    steps.every(({ value }) => (readStep(value)?.at ?? 0) < since),
  )
  const dead = await pages.listDead(old.map(([page]) => page))
  return [...dead, ...(before !== undefined && rows.has(before) ? [before] : [])]
}

/** Writes the steps of one page. */
class StepShelf {
  readonly #pages: StepPages
  readonly #prefix: StorageKey
  readonly #written = new Map<number, { readonly step: StepMemory; readonly text: string }>()
  #changes: StorageChange[] = []
  #isScheduled = false

  constructor(pages: StepPages, prefix: StorageKey) {
    this.#pages = pages
    this.#prefix = prefix
  }

  /** Take out all of these with the next write. */
  clear(prefixes: readonly StorageKey[]): void {
    this.#changes.push(...prefixes.map((prefix) => ({ deleteAll: prefix })))
  }

  /** Write what is new, joined with whatever else this turn brings. */
  saveSoon(stack: UndoStack): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#save(stack.memory)
    })
  }

  #save(steps: ReadonlyMap<number, StepMemory>): void {
    const kept = this.#choose(steps)
    for (const [id, { text }] of kept) {
      if (this.#written.get(id)?.text !== text) {
        this.#changes.push({ put: [...this.#prefix, id], value: text })
      }
    }
    for (const id of this.#written.keys()) {
      if (!kept.has(id)) this.#changes.push({ delete: [...this.#prefix, id] })
    }
    this.#written.clear()
    for (const [id, one] of kept) this.#written.set(id, one)
    const changes = this.#changes
    this.#changes = []
    if (changes.length > 0) void this.#pages.storage.write(changes)
  }

  /** The latest of each list: what lies below one that is not kept would be out of turn. */
  #choose(steps: ReadonlyMap<number, StepMemory>) {
    const kept: [number, { readonly step: StepMemory; readonly text: string }][] = []
    const room = { undo: MAX_CHARACTERS, redo: MAX_CHARACTERS }
    for (const [id, step] of [...steps].reverse()) {
      const known = this.#written.get(id)
      const text = known?.step === step ? known.text : JSON.stringify(step)
      room[step.isRedo ? 'redo' : 'undo'] -= text.length
      if (room[step.isRedo ? 'redo' : 'undo'] >= 0) kept.push([id, { step, text }])
    }
    return new Map(kept.reverse())
  }
}

/** Whether it has the right form is for the stack to say. */
function readStep(value: unknown): StepMemory | undefined {
  try {
    return JSON.parse(String(value)) as StepMemory
  } catch {
    return undefined
  }
}
