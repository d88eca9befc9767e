import { memoryStore, type ModelStore } from '@flushout/server'
import { describe, expect, test } from 'vitest'
import { add, codeOf, createTestService, wrapStore, Writer } from './support/world.ts'

/** Two services on one store, and one client that is served by either. */
function twoServices() {
  const store = memoryStore()
  const here = createTestService({ store })
  const there = createTestService({ store })
  const ada = new Writer(here, 'ada')
  return { store, here, there, ada }
}

describe('a repeated flush', () => {
  test('is applied once and answered as the first time', async () => {
    const ada = new Writer(createTestService(), 'ada')
    await ada.pull()
    const flush = ada.next([add('a'), { action: 'delete', path: ['nowhere', 'x'] }])
    const first = await ada.send(flush)
    const again = await ada.send(flush)
    expect(again).toEqual({ ...first, outcome: 'repeated' })
    expect(again.verdicts).toHaveLength(1)
    expect((await ada.service.snapshot(ada.key)).commandCount).toBe(1)
  })

  test('brings what others did since', async () => {
    const ada = new Writer(createTestService(), 'ada')
    await ada.add('long', { text: 'x'.repeat(1000) })
    const flush = ada.next([add('a')])
    await ada.send(flush)
    await new Writer(ada.service, 'bob').add('b')
    const again = await ada.send(flush)
    expect(again).toMatchObject({ outcome: 'repeated', commandCount: 3 })
    // Its own commands it has; the entry says where they belong.
    const [own, foreign] = again.sync.kind === 'updates' ? again.sync.updates : []
    expect(own).toEqual({ from: 1, hash: expect.any(String), clientId: 'ada', sequence: 2 })
    expect(foreign).toMatchObject({ from: 2, clientId: 'bob', commands: [{ id: 'b' }] })
  })

  test('is known on every other server', async () => {
    const { there, ada } = twoServices()
    const flush = ada.next([add('a')])
    await ada.send(flush)
    ada.service = there
    expect(await ada.send(flush)).toMatchObject({ outcome: 'repeated', commandCount: 1 })
  })

  test('is known on a server that caught up for somebody else', async () => {
    const { here, there, ada } = twoServices()
    const bob = new Writer(there, 'bob')
    await bob.add('b')
    // This server remembers Ada's first flush; her second goes to the other.
    ada.service = there
    await ada.add('a1')
    ada.service = here
    const second = ada.next([add('a2')])
    await ada.send(second)
    // Bob's flushes make it catch up with all entries, but he is not Ada; after
    // the second it believes to be alone again.
    await bob.add('b2')
    await bob.add('b3')
    ada.service = there
    expect(await ada.send(second)).toMatchObject({ outcome: 'repeated' })
    expect(Object.keys(await ada.todos())).toEqual(['b', 'a1', 'a2', 'b2', 'b3'])
  })

  test('that was refused whole elsewhere is still refused', async () => {
    const { here, there, ada } = twoServices()
    const bob = new Writer(there, 'bob')
    ada.service = there
    await ada.add('a1')
    ada.service = here
    // Nothing of it applies, so it leaves no entry in the history.
    const second = ada.next([{ action: 'update', path: ['todos', 'later'], props: { x: 1 } }])
    await ada.send(second)
    await bob.add('later')
    await bob.add('b')
    ada.service = there
    const again = await ada.send(second)
    expect(again).toMatchObject({ outcome: 'repeated', verdicts: [{ kind: 'dropped' }] })
    expect(await ada.todos()).toMatchObject({ later: {} })
    expect(await ada.todos()).not.toMatchObject({ later: { x: 1 } })
  })

  test('with other commands is refused', async () => {
    const ada = new Writer(createTestService(), 'ada')
    const flush = ada.next([add('a')])
    await ada.send(flush)
    expect(await codeOf(ada.send({ ...flush, commands: [add('b')] }))).toBe('SEQUENCE_REUSED')
    expect(Object.keys(await ada.todos())).toEqual(['a'])
  })
})

test('a flush out of its turn is refused', async () => {
  const ada = new Writer(createTestService(), 'ada')
  await ada.add('a')
  await ada.add('b')
  expect(await codeOf(ada.send({ ...ada.next([add('c')]), sequence: 1 }))).toBe('SEQUENCE_PAST')
  expect(await codeOf(ada.send({ ...ada.next([add('c')]), sequence: 4 }))).toBe('SEQUENCE_GAP')
  const eve = new Writer(ada.service, 'eve')
  await eve.pull()
  expect(await codeOf(eve.send({ ...eve.next([add('c')]), sequence: 2 }))).toBe('CLIENT_EXPIRED')
  expect(await codeOf(ada.send({ ...ada.next([add('c')]), hash: 'x' }))).toBe('HISTORY_CHANGED')
  expect(await codeOf(ada.send({ ...ada.next([add('c')]), from: 9 }))).toBe('HISTORY_CHANGED')
  expect((await ada.add('d')).commandCount).toBe(3)
})

test('a client id belongs to the user who first wrote with it', async () => {
  const service = createTestService()
  await new Writer(service, 'shared', { user: { id: 'ada' } }).add('a')
  const eve = new Writer(service, 'shared', { user: { id: 'eve' } })
  expect(await codeOf(eve.send({ ...eve.next([add('b')]), sequence: 2 }))).toBe('FORBIDDEN')
})

describe('a server that is behind the store', () => {
  test('refuses nothing that is right', async () => {
    const { here, there, ada } = twoServices()
    await ada.add('a')
    // From now on, `here` knows flush 1 as the last one.
    ada.service = there
    await ada.add('b')
    await ada.add('c')
    ada.service = here
    expect(await ada.add('d')).toMatchObject({ outcome: 'applied', commandCount: 4 })
  })

  test('does not take a repeated flush for a new one', async () => {
    const { here, there, ada } = twoServices()
    await ada.add('a')
    ada.service = there
    const flush = ada.next([add('b')])
    await ada.send(flush)
    ada.service = here
    expect(await ada.send(flush)).toMatchObject({ outcome: 'repeated', commandCount: 2 })
    expect(Object.keys(await ada.todos())).toEqual(['a', 'b'])
  })

  test('not even if nothing of it was applied', async () => {
    const { store, here, there, ada } = twoServices()
    await ada.add('a')
    ada.service = there
    const refused = ada.next([{ action: 'update', path: ['todos', 'b'], props: {} }])
    await ada.send(refused)
    const bob = new Writer(there, 'bob')
    await bob.add('b')
    ada.service = here
    const again = await ada.send(refused)
    expect(again).toMatchObject({ outcome: 'repeated', verdicts: [{ kind: 'dropped' }] })
    expect((await store.load(ada.key, ['ada']))?.clients[0]?.sequence).toBe(2)
  })

  test('answers a pull with what is in the store', async () => {
    const { here, there, ada } = twoServices()
    await ada.add('a', { text: 'x'.repeat(1000) })
    await new Writer(there, 'bob').add('b')
    expect(await ada.pull()).toMatchObject({ commandCount: 2, sync: { kind: 'updates' } })
    const { from, hash } = ada
    await new Writer(there, 'cem').add('c')
    expect(await here.pull(ada.key, { from, hash })).toMatchObject({ commandCount: 3 })
    expect((await here.snapshot(ada.key)).commandCount).toBe(3)
  })
})

describe('when nobody knows whether a commit took effect', () => {
  /** A store whose commits fail as often as told, after or before they landed. */
  function unsure(landed: boolean, failures = 1) {
    const store = memoryStore()
    let left = 0
    const commit: ModelStore['commit'] = async (writes) => {
      if (left === 0) return store.commit(writes)
      left -= 1
      if (landed) await store.commit(writes)
      throw new Error('Connection terminated unexpectedly')
    }
    return { store: wrapStore(store, { commit }), fail: (times = failures) => void (left = times) }
  }

  test.each([true, false])('the flush is applied once (landed: %s)', async (landed) => {
    const { store, fail } = unsure(landed)
    const service = createTestService({ store })
    const [ada, bob] = [new Writer(service, 'ada'), new Writer(service, 'bob')]
    await ada.add('first')
    fail()
    const answers = await Promise.all([ada.add('a'), bob.add('b')])
    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(
      new Set([landed ? 'repeated' : 'applied']),
    )
    expect(Object.keys(await ada.todos()).toSorted()).toEqual(['a', 'b', 'first'])
    expect((await ada.add('c')).commandCount).toBe(4)
  })

  test('a commit that fails again and again is told to its author, who may send it again', async () => {
    const { store, fail } = unsure(false, 100)
    const ada = new Writer(createTestService({ store }), 'ada')
    await ada.add('first')
    fail()
    const flush = ada.next([add('a')])
    expect(await codeOf(ada.send(flush))).toBe('UNAVAILABLE')
    expect(Object.keys(await ada.todos())).toEqual(['first'])
    fail(0)
    expect(await ada.send(flush)).toMatchObject({ outcome: 'applied', commandCount: 2 })
  })

  test('1,000 answers may be lost, and no flush is lost or doubled', async () => {
    const store = memoryStore()
    let calls = 0
    const dropping: ModelStore['commit'] = async (writes) => {
      calls += 1
      if (calls % 3 === 0) throw new Error('before')
      const outcomes = await store.commit(writes)
      if (calls % 3 === 1) throw new Error('after')
      return outcomes
    }
    const services = [1, 2].map(() =>
      createTestService({ store: wrapStore(store, { commit: dropping }) }),
    )
    const writers = Array.from({ length: 20 }, (_, i) => new Writer(services[i % 2]!, `c${i}`))
    await Promise.all(
      writers.map(async (writer) => {
        for (let turn = 0; turn < 50; turn += 1) {
          const flush = writer.next([add(`${writer.clientId}-${turn}`)])
          // Lost on the way back, as often as not.
          await writer.service.flush(writer.key, flush).catch(() => undefined)
          while (!(await writer.send(flush).catch(() => undefined)));
        }
      }),
    )
    const { document, commandCount } = await createTestService({ store }).snapshot(writers[0]!.key)
    expect(Object.keys(document['todos'] as object)).toHaveLength(1000)
    expect(commandCount).toBe(1000)
  })
})
