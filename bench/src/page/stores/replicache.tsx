import { useEffect, useState } from 'react'
import { Replicache, type PullRequest, type WriteTransaction } from 'replicache'
import type { Todo } from '../todos.ts'
import { showTodos, untilWritten, type Store } from './store.tsx'

type Row = Omit<Todo, 'id'>

const mutators = {
  async put(tx: WriteTransaction, { id, ...row }: Todo) {
    await tx.set(`todo/${id}`, row)
  },
  async update(tx: WriteTransaction, { id, ...props }: Partial<Row> & { id: string }) {
    const row = await tx.get<Row>(`todo/${id}`)
    await tx.set(`todo/${id}`, { ...row!, ...props })
  },
  async delete(tx: WriteTransaction, id: string) {
    await tx.del(`todo/${id}`)
  },
}

const OFFLINE = { httpRequestInfo: { httpStatusCode: 503, errorMessage: 'There is no server.' } }

function makeReplicache(puller: (request: PullRequest) => Promise<unknown>) {
  return new Replicache({
    name: 'bench',
    mutators,
    puller: puller as never,
    pusher: async () => OFFLINE,
    logLevel: 'error',
  })
}

/** What `useSubscribe` of replicache-react does. */
function Todos({ replicache }: { replicache: Replicache }) {
  const [rows, setRows] = useState<readonly Row[]>()
  useEffect(
    () =>
      replicache.subscribe((tx) => tx.scan<Row>({ prefix: 'todo/' }).values().toArray(), setRows),
    [replicache],
  )
  return rows && showTodos(rows)
}

export const replicacheStore: Store = {
  async fill(todos, edit) {
    const patch = [
      { op: 'clear' },
      ...todos.map(({ id, ...value }) => ({ op: 'put', key: `todo/${id}`, value })),
    ]
    const replicache = makeReplicache(async () => ({
      response: { cookie: 1, lastMutationIDChanges: {}, patch },
      httpRequestInfo: { httpStatusCode: 200, errorMessage: '' },
    }))
    await replicache.pull({ now: true })
    await new Promise<void>((resolve) => {
      replicache.subscribe(
        (tx) => tx.has(`todo/${todos.at(-1)!.id}`),
        (isThere) => isThere && resolve(),
      )
    })
    const mutations: Promise<void>[] = []
    edit({
      create: (todo) => void mutations.push(replicache.mutate.put({ ...todo })),
      update: (id, props) => void mutations.push(replicache.mutate.update({ id, ...props })),
      delete: (id) => void mutations.push(replicache.mutate.delete(id)),
    })
    await Promise.all(mutations)
    await untilWritten()
  },
  open: () => <Todos replicache={makeReplicache(async () => OFFLINE)} />,
}
