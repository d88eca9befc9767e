// The same for those who hold shared documents in another way, each as its documentation
// tells: a message as it comes from the network, text or bytes, is taken in by the public way.
import * as automerge from '@automerge/automerge'
import { throughJson } from '@flushout/core/testing'
import { CommandAction, Proxy as OriginalProxy, type Command } from 'flushout'
import { createRequire } from 'node:module'
import * as yjs from 'yjs'
import { textOf, type Site } from './site.ts'
import type { TodoList } from './todo-list.ts'

interface Plain {
  todos: Record<string, { text: string; done: boolean }>
}

type YTodo = yjs.Map<string | boolean>

/** Without rebase: what is to be sent and what comes is put together once for good. */
export function makeYjsSite({ document, ids }: TodoList, queued: number): Site {
  const theirs = new yjs.Doc()
  theirs.transact(() => {
    const todos = theirs.getMap<YTodo>('todos')
    for (const [id, todo] of Object.entries((document as unknown as Plain).todos)) {
      todos.set(id, new yjs.Map<string | boolean>(Object.entries(todo)))
    }
  })
  const ours = new yjs.Doc()
  yjs.applyUpdate(ours, yjs.encodeStateAsUpdate(theirs))
  const here = ours.getMap<YTodo>('todos')
  for (let n = 0; n < queued; n += 1) here.get(ids[n % (ids.length / 2)]!)!.set('text', textOf(n))
  let message: Uint8Array | undefined
  theirs.on('update', (update: Uint8Array) => (message = update))
  return {
    name: 'Yjs',
    news(id, text) {
      theirs.getMap<YTodo>('todos').get(id)!.set('text', text)
      const bytes = message!
      return () => yjs.applyUpdate(ours, bytes)
    },
    read: (id) => here.get(id)!.get('text'),
  }
}

export function makeAutomergeSite({ document, ids }: TodoList, queued: number): Site {
  let theirs = automerge.from(throughJson(document) as unknown as Record<string, unknown> & Plain)
  let ours = automerge.clone(theirs)
  for (let n = 0; n < queued; n += 1) {
    ours = automerge.change(ours, (draft) => {
      draft.todos[ids[n % (ids.length / 2)]!]!.text = textOf(n)
    })
  }
  return {
    name: 'Automerge',
    news(id, text) {
      theirs = automerge.change(theirs, (draft) => {
        draft.todos[id]!.text = text
      })
      const change = automerge.getLastLocalChange(theirs)!
      return () => {
        ;[ours] = automerge.applyChanges(ours, [change])
      }
    },
    read: (id) => ours.todos[id]!.text,
  }
}

/** What is used of the client of ShareDB, which has no types. */
interface ShareDbClient {
  readonly Connection: new (socket: object) => { get(collection: string, id: string): ShareDbDoc }
}
interface ShareDbDoc {
  readonly data: Plain
  ingestSnapshot(snapshot: { v: number; data: unknown }): void
  submitOp(op: readonly object[]): void
}

/** The first update is in flight, the others wait for its answer, put together as one. */
export function makeShareDbSite({ document, ids }: TodoList, queued: number): Site {
  const { Connection } = createRequire(import.meta.url)('sharedb/lib/client') as ShareDbClient
  // A connection to a server that answers nothing.
  const socket = {
    readyState: 1,
    send() {},
    onmessage: (() => {}) as (event: { data: string }) => void,
  }
  const connection = new Connection(socket)
  const tell = (message: object) => socket.onmessage({ data: JSON.stringify(message) })
  const type = 'http://sharejs.org/types/JSONv0'
  tell({ a: 'hs', protocol: 1, protocolMinor: 2, id: 'ada', type })
  const doc = connection.get('lists', 'one')
  doc.ingestSnapshot({ v: 1, data: throughJson(document) })
  const set = (id: string, text: string, was: string) => [
    { p: ['todos', id, 'text'], od: was, oi: text },
  ]
  for (let n = 0; n < queued; n += 1) {
    const id = ids[n % (ids.length / 2)]!
    doc.submitOp(set(id, textOf(n), doc.data.todos[id]!.text))
  }
  let version = 1
  return {
    name: 'ShareDB',
    news(id, text) {
      const op = set(id, text, doc.data.todos[id]!.text)
      const message = { a: 'op', c: 'lists', d: 'one', v: version, src: 'bob', seq: version, op }
      version += 1
      const data = JSON.stringify(message)
      return () => socket.onmessage({ data })
    },
    read: (id) => doc.data.todos[id]!.text,
  }
}

function updateOf(id: string, text: string): Command {
  return { action: CommandAction.Update, path: ['todos', id], props: { text } }
}

/** News come with the answer to a flush alone, so an empty one is in progress. */
export function makeOriginalSite({ document, ids }: TodoList, queued: number): Site {
  const proxy = new OriginalProxy<Plain>({
    commandCount: 0,
    document: throughJson(document) as unknown as Plain,
  })
  const empty = () => {
    const { from } = proxy.beginFlush()
    proxy.endFlush()
    return from
  }
  return {
    name: 'Original',
    news(id, text) {
      empty()
      proxy.beginFlush()
      const from = proxy.getCommandCount()
      for (let n = 0; n < queued; n += 1) {
        proxy.apply(updateOf(ids[n % (ids.length / 2)]!, textOf(n)))
      }
      const diff = { from, completions: [{ command: updateOf(id, text) }] }
      const message = JSON.stringify({ isPartial: true, diff })
      return () => {
        const { error } = proxy.endFlush(
          JSON.parse(message) as Parameters<typeof proxy.endFlush>[0],
        )
        if (error !== undefined) throw new Error(error)
      }
    },
    read: (id) => proxy.getDocument().todos[id]!.text,
  }
}
