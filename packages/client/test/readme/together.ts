import type { Client } from '@flushout/client'

export function showOthers(client: Client) {
  const list = client.model('todos:groceries')

  // What others do to the todos of a list that is loaded here.
  list.follow({ path: ['todos'] }, (event) => {
    if (event.kind === 'publish') console.log('new:', event.item['text'])
  })

  // What happens in all lists, without loading them, and which lists come and go.
  client.follow({ models: 'todos:*', path: ['todos'] }, (event) => {
    console.log(event.key, event.kind)
  })

  // Who else has the list open, and what they tell about themselves.
  list.presence.share({ name: 'Ada' })
  list.presence.subscribe(() => {
    console.log('here:', ...list.presence.others.map(({ state }) => state['name']))
  })
}
