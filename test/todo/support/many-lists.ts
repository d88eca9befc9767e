// Runs in a browser: a page that shows many lists by one client.
import { createClient, type Model } from '@flushout/client'
import type { TodoList } from './world.ts'

const client = createClient({ url: '/flushout' })

/** Show one more list, and keep it current. */
function show(key: string): Model<TodoList> {
  const model = client.model<TodoList>(key)
  const line = document.body.appendChild(document.createElement('p'))
  const render = () => {
    const { todos = {} } = model.read() ?? {}
    const texts = Object.values(todos).map(({ text }) => text)
    line.textContent = [model.status.state, ...texts].join(' ')
  }
  model.subscribe(render)
  model.subscribeStatus(render)
  return model
}

Object.assign(globalThis, { show })
