// Runs in the browser: a page of an app that keeps its list on the device.
import { createRoot } from 'react-dom/client'
import { storeByHand } from './stores/by-hand.tsx'
import { flushoutInSuspense, flushoutStore } from './stores/flushout.tsx'
import { replicacheStore } from './stores/replicache.tsx'
import type { EditableList, Store } from './stores/store.tsx'
import { yjsStore } from './stores/yjs.tsx'
import { makeTodos } from './todos.ts'

const STORES = {
  Flushout: flushoutStore,
  'Flushout, suspended': flushoutInSuspense,
  Replicache: replicacheStore,
  'Yjs, y-indexeddb': yjsStore,
  'by hand, one text': storeByHand,
} satisfies Record<string, Store>

export type StoreName = keyof typeof STORES

/** What the benchmark asks of its page. */
export interface StartPage {
  /** Keep `count` todos on the device, and edits that are in no server. */
  fill(name: StoreName, count: number): Promise<void>
  /** Open what is kept; milliseconds from then on until it is in the page. */
  start(name: StoreName): Promise<number>
  /** What the page shows above the list. */
  readHeading(): string | null | undefined
}

const startPage: StartPage = {
  fill: (name, count) => STORES[name].fill(makeTodos(count), (list) => edit(list, count)),
  start(name) {
    const root = document.querySelector('#root')!
    return new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        if (root.querySelector('h1')) resolve(performance.now() - start)
      })
      observer.observe(root, { childList: true })
      const start = performance.now()
      createRoot(root).render(STORES[name].open())
    })
  },
  readHeading: () => document.querySelector('h1')?.textContent,
}

/** Forty edits of all kinds. As many todos come as go, and ten are done. */
function edit(list: EditableList, count: number): void {
  const all = makeTodos(count + 10)
  for (let index = 0; index < 10; index += 1) {
    const [first, second, third] = [index * 7, index * 7 + 1, index * 7 + 2].map((at) => all[at]!)
    list.create(all[count + index]!)
    list.update(first!.id, { done: true })
    list.update(second!.id, { text: `Other ${index}` })
    list.delete(third!.id)
  }
}

Object.assign(globalThis, { startPage })
