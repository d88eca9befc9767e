// Runs in a browser: a page whose client works through one tab for all.
import { createClient, httpTransport, type JsonValue, type Model } from '@flushout/client'
import { browserTabs } from '../../../packages/client/src/tabs/tab-environment.ts'
import { TabLife } from '../../../packages/client/src/tabs/tab-life.ts'
import { tabTransport } from '../../../packages/client/src/tabs/tab-transport.ts'
import type { TodoList } from './world.ts'

/** What a page of these stories can do. */
export interface TabsPage {
  /** Show a list, and keep it current. */
  show(key: string): void
  add(text: string): void
  texts(): string[]
  /** Tell the others something of this tab. */
  share(name: string): void
  /** Whom the others say they are. */
  others(): unknown[]
  /** Whether everything done here is saved. */
  isSaved(): boolean
  /** All that was said of the connection, one after the other. */
  readonly states: string[]
  readonly life: TabLife
  /** What the other sessions told. */
  readonly told: JsonValue[]
  /** Of which sessions it was heard that they are dead. */
  readonly dead: string[]
  watch(id: string): void
}

const transport = tabTransport(httpTransport({ url: '/flushout' }), { name: 'stories' })
const client = createClient({ transport })
const life = new TabLife({ name: 'stories', id: crypto.randomUUID(), tabs: browserTabs() })
const states: string[] = []
const told: JsonValue[] = []
const dead: string[] = []
let model: Model<TodoList> | undefined
life.subscribe((message) => told.push(message))

const tabsPage: TabsPage = {
  show(key) {
    model = client.model<TodoList>(key)
    const look = () => {
      const { state } = model!.status
      if (state !== states.at(-1)) states.push(state)
    }
    model.subscribe(look)
    model.subscribeStatus(look)
    model.presence.subscribe(look)
  },
  add: (text) => void model!.create(['todos'], { text, done: false }),
  texts: () => Object.values(model?.read()?.todos ?? {}).map(({ text }) => text),
  share: (name) => void model!.presence.share({ name }),
  others: () => model!.presence.others.map(({ state }) => state['name']),
  isSaved() {
    const { queued, inFlight } = model!.status
    return queued + inFlight === 0
  },
  states,
  life,
  told,
  dead,
  watch: (id) => void life.onDeath(id, () => dead.push(id)),
}

Object.assign(globalThis, { tabsPage })
