// What goes over the network for one update of one todo among ten thousand.
import * as automerge from '@automerge/automerge'
import { throughJson } from '@flushout/core/testing'
import {
  CommandAction,
  type Command,
  Master as OriginalMaster,
  Proxy as OriginalProxy,
} from 'flushout'
import * as yjs from 'yjs'
import type { Row, Section } from '../../harness/section.ts'
import { CONTEXT, makePair } from './flushout-site.ts'
import { makeList, type TodoList } from './todo-list.ts'

const TODOS = 10_000
const PROPS = { done: true }

const bytesOf = (message: unknown) => Buffer.byteLength(JSON.stringify(message))

/** The bodies of messages; HTTP puts its headers before them. */
function ours({ document, ids }: TodoList): Row {
  const { master, proxy } = makePair(document)
  const { from, hash } = proxy.confirmed
  proxy.update(['todos', ids[17]!], PROPS)
  const flush = proxy.beginFlush()!
  const answer = master.apply(flush, CONTEXT)
  const values = [flush, answer, master.pull(from, hash), master.snapshot()].map(bytesOf)
  return { name: 'Flushout', values }
}

/** Others hear of a change when they flush the next time: what they get then, and where the server keeps no history. */
async function original({ document, ids }: TodoList): Promise<Row> {
  const history: Command[] = []
  const snapshot = { commandCount: 0, document }
  const proxy = new OriginalProxy(throughJson(snapshot))
  const master = new OriginalMaster(throughJson(snapshot), {
    historyProvider: (start, end) =>
      Promise.resolve(history.slice(start, end).map((command) => ({ command }))),
  })
  const other = new OriginalProxy(throughJson(snapshot))
  const path = ['todos', ids[17]!]
  const command: Command = { action: CommandAction.Update, path, props: PROPS }
  proxy.apply(command)
  history.push(command)
  const flush = proxy.beginFlush()
  const { sync: _, ...answer } = await master.apply(flush)
  const { sync } = await master.apply(other.beginFlush())
  return {
    name: 'Original',
    values: [...[flush, answer, sync].map(bytesOf), bytesOf(master.getSnapshot())],
  }
}

function yjsRow({ document, ids }: TodoList): Row {
  const doc = new yjs.Doc()
  doc.transact(() => {
    for (const [id, todo] of Object.entries(document['todos']!)) {
      doc.getMap('todos').set(id, new yjs.Map(Object.entries(todo as object)))
    }
  })
  const whole = yjs.encodeStateAsUpdate(doc).length
  const copy = new yjs.Doc()
  yjs.applyUpdate(copy, yjs.encodeStateAsUpdate(doc))
  let update = 0
  copy.on('update', (bytes: Uint8Array) => (update = bytes.length))
  copy.getMap<yjs.Map<boolean>>('todos').get(ids[17]!)!.set('done', PROPS.done)
  return { name: 'Yjs', values: [update, 0, update, whole] }
}

function automergeRow({ document, ids }: TodoList): Row {
  const doc = automerge.from(throughJson(document) as Record<string, unknown>)
  const changed = automerge.change(doc, (draft) => {
    ;(draft['todos'] as Record<string, { done: boolean }>)[ids[17]!]!.done = PROPS.done
  })
  const update = automerge.getLastLocalChange(changed)!.length
  return { name: 'Automerge', values: [update, 0, update, automerge.save(changed).length] }
}

export async function measureWire(): Promise<Section> {
  const list = makeList(TODOS)
  const rows = [ours(list), await original(list), yjsRow(list), automergeRow(list)]
  const [sent, answered, told] = rows[0]!.values as [number, number, number]
  return {
    id: 'wire',
    title: `One update of one todo among ${TODOS.toLocaleString('en')}, in bytes`,
    columns: ['sent', 'answered', 'to others', 'the whole list'].map((name) => ({
      name,
      unit: 'B',
    })),
    rows,
    goals: [
      { what: 'one update, sent', value: sent, unit: 'B', atMost: 300 },
      { what: 'one update, answered', value: answered, unit: 'B', atMost: 300 },
      { what: 'one update, to others', value: told, unit: 'B', atMost: 300 },
    ],
  }
}
