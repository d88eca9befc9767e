import { createClient } from '@flushout/client'

interface TodoList {
  todos: { [id: string]: { text: string; done?: boolean } }
}

const client = createClient({ url: 'https://example.com/flushout' })
const list = client.model<TodoList>('todos:groceries')

list.subscribe(() => console.log(list.read()))
list.subscribeStatus(() => console.log(list.status.state, list.rejections))
await list.ready

const { id } = list.create(['todos'], { text: 'Coffee' }) // shows at once
list.update(['todos', id], { done: true })

await client.flush() // or wait 50 ms
client.close()
