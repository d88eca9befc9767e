// Runs in a browser: a page whose users log in one after the other.
import { createClient, onDevice, type Client, type Model } from '@flushout/client'
import type { TodoList } from './world.ts'

/** What a page of these stories can do. */
export interface UsersPage {
  /** Let somebody log in, and open the list. */
  logIn(user: string, key: string): Promise<void>
  /** End what whoever is logged in has open here. */
  logOut(): void
  add(text: string): void
  /** How the list stands towards the server. */
  state(): string
  texts(): string[]
  /** How many edits are not saved, and whether they are on the device. */
  unsaved(): { readonly count: number; readonly isDurable: boolean }
}

let client: Client | undefined
let model: Model<TodoList> | undefined

const usersPage: UsersPage = {
  async logIn(user, key) {
    document.cookie = `user=${user}`
    client = createClient({
      url: '/flushout',
      user: { id: user },
      storage: onDevice(),
      flush: { retryMaxMs: 1_000 },
    })
    model = client.model<TodoList>(key)
    model.subscribe(() => {})
    await model.ready
  },
  logOut() {
    client?.close()
    document.cookie = 'user=; max-age=0'
  },
  add: (text) => void model!.create(['todos'], { text, done: false }),
  texts: () => Object.values(model?.read()?.todos ?? {}).map(({ text }) => text),
  state: () => model!.status.state,
  unsaved() {
    const { queued, inFlight, durable } = model!.status
    return { count: queued + inFlight, isDurable: durable }
  },
}

Object.assign(globalThis, { usersPage })
