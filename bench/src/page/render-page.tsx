// Runs in the browser: a page that shows one list, and edits its rows as people do.
import { createRoot } from 'react-dom/client'
import { flushoutList } from './lists/flushout.tsx'
import { immerInState, immerInStore } from './lists/immer.tsx'
import { nextText, renders, type List } from './lists/list.tsx'
import { reactAlone } from './lists/react-alone.tsx'
import { tanstackList } from './lists/tanstack-db.tsx'
import { yjsRows, yjsSnapshot } from './lists/yjs.tsx'
import { makeTodos, type Todo } from './todos.ts'

const LISTS = {
  Flushout: flushoutList,
  'TanStack DB, live query': tanstackList,
  'Immer in one state': immerInState,
  'Immer, each row asks': immerInStore,
  'Yjs, one snapshot': yjsSnapshot,
  'Yjs, each row observes': yjsRows,
  'React alone, state in rows': reactAlone,
} satisfies Record<string, (todos: readonly Todo[]) => List | Promise<List>>

export type ListName = keyof typeof LISTS

/** How long something took, and how often it rendered anything. */
export interface Shown {
  readonly ms: number
  readonly rows: number
  readonly lists: number
}

/** What the benchmark asks of its page. */
export interface RenderPage {
  /** Show a list of `size` rows; until they are in the page. */
  mount(name: ListName, size: number): Promise<Shown>
  /** Click on a row that then shows something else, `times` times. */
  edit(times: number): Promise<readonly Shown[]>
  /** Have the edits confirmed by the master. */
  confirm(): Promise<Shown>
  /** Have somebody else edit a row, and show it. */
  hear(): Promise<Shown>
}

// A row far from the one before.
const STEP = 7_919

let list: List
let todos: readonly Todo[]
let rows: readonly Element[]
let at = 0

const renderPage: RenderPage = {
  async mount(name, size) {
    todos = makeTodos(size)
    list = await LISTS[name](todos)
    const container = document.querySelector('#root')!
    const root = createRoot(container)
    const shown = await watch(
      () => root.render(list.element),
      changed(container, () => container.querySelectorAll('li').length === size),
    )
    rows = [...container.querySelectorAll('li')]
    return shown
  },
  async edit(times) {
    const edits: Shown[] = []
    for (let time = 0; time < times; time += 1) {
      at = (at + STEP) % rows.length
      const row = rows[at] as HTMLElement
      const text = nextText()
      edits.push(
        await watch(
          () => row.click(),
          changed(row, () => row.textContent === text),
        ),
      )
    }
    return edits
  },
  confirm: () => watch(() => {}, list.confirm!()),
  hear() {
    at = (at + STEP) % rows.length
    const row = rows[at]!
    return watch(
      () => void list.hear!(todos[at]!.id),
      changed(row, () => row.textContent === 'by bob'),
    )
  },
}

/** Do something, until `done`; what is rendered later because of it counts, too. */
async function watch(act: () => void, done: Promise<unknown>): Promise<Shown> {
  renders.rows = 0
  renders.lists = 0
  const start = performance.now()
  act()
  await done
  const ms = performance.now() - start
  await new Promise((resolve) => setTimeout(resolve, 10))
  return { ms, ...renders }
}

/** Resolves as soon as the page was changed so that it shows what it should. */
function changed(target: Element, isShown: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (!isShown()) return
      observer.disconnect()
      resolve()
    })
    observer.observe(target, { childList: true, characterData: true, subtree: true })
  })
}

Object.assign(globalThis, { renderPage })
