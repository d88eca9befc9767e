import type {
  Command,
  DocumentView,
  Interceptor,
  InterceptorContext,
  JsonObject,
} from '@flushout/core'
import { World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

function open(document: JsonObject, onMaster: Interceptor[], onProxy: Interceptor[] = []) {
  const world = new World<Record<string, any>>(document, {
    master: { interceptors: onMaster },
    proxy: { interceptors: onProxy },
  })
  const ada = world.join('ada', { user: { id: 'ada' } })
  return { world, ada, proxy: ada.proxy, bob: world.join('bob') }
}

const never: Interceptor = () => ({ reject: { code: 'NEVER', message: 'Never.' } })

describe('an interceptor', () => {
  test('refuses any verb on the master, and every author sees the document as it was', () => {
    const { world, proxy, ada } = open({ a: { n: 1 } }, [never])
    const receipts = [
      proxy.create(['a'], {}, { id: 'x' }),
      proxy.update(['a'], { n: 2 }),
      proxy.delete(['a']),
    ]
    expect(proxy.read()).toEqual({})
    ada.settle()
    expect(proxy.read()).toEqual({ a: { n: 1 } })
    expect(world.master.commandCount).toBe(0)
    expect(receipts.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'rejected', rejection: { code: 'NEVER', at: ['a', 'x'] } },
      { kind: 'rejected', rejection: { code: 'NEVER', at: ['a'] } },
      { kind: 'rejected', rejection: { code: 'NEVER', at: ['a'] } },
    ])
  })

  test('sees the command with its id and path spelled out, and the document before it', () => {
    const seen: [Command, unknown, readonly string[], number][] = []
    const watch: Interceptor = (document, command) =>
      void seen.push([command, document.read(['a']), document.keys(), document.size()])
    const { proxy, ada } = open({ a: {} }, [watch])
    proxy.apply({ action: 'create', id: 'b' })
    proxy.update(['a'], { n: 1 })
    proxy.delete(['a'])
    ada.settle()
    expect(seen).toEqual([
      [{ action: 'create', path: [], id: 'b' }, {}, ['a'], 1],
      [{ action: 'update', path: ['a'], props: { n: 1 } }, {}, ['a', 'b'], 2],
      [{ action: 'delete', path: ['a'] }, { n: 1 }, ['a', 'b'], 2],
    ])
  })

  test('cannot change what it sees', () => {
    const vandal: Interceptor = (document, command) => {
      ;(command as { props?: Record<string, unknown> }).props!['n'] = 99
      ;(document.read() as Record<string, unknown>)['x'] = 1
    }
    const { world, proxy, ada } = open({}, [vandal])
    const receipt = proxy.update([], { n: 1 })
    ada.settle()
    expect(receipt.outcome).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'INTERCEPTOR_FAILED' },
    })
    expect(world.master.snapshot().document).toEqual({})
  })

  test('amends props and leaves path, id, parentDefault and unset as they are', () => {
    const stamp: Interceptor = (_, command, { now, user }) =>
      command.action === 'delete'
        ? undefined
        : { props: { ...command.props, at: now, by: user!.id } }
    const { world, proxy, ada } = open({ a: { old: 1, at: 0 } }, [stamp])
    world.now = 5_000
    proxy.create(['lists'], { n: 1 }, { id: 'x', parentDefault: { title: 'Lists' } })
    proxy.update(['a'], { n: 2 }, { unset: ['old', 'at'] })
    ada.settle()
    const expected = {
      a: { n: 2, at: 5_000, by: 'ada' },
      lists: { title: 'Lists', x: { n: 1, at: 5_000, by: 'ada' } },
    }
    expect(world.master.snapshot().document).toEqual(expected)
    expect(proxy.read()).toEqual(expected)
  })

  test('sees what the one before it made of the command', () => {
    const add =
      (key: string): Interceptor =>
      (_, command) =>
        command.action === 'update'
          ? { props: { ...command.props, [key]: Object.keys(command.props!).length } }
          : undefined
    const { world, proxy, ada } = open({}, [add('first'), add('second'), add('third')])
    proxy.update([], {})
    ada.settle()
    expect(world.master.snapshot().document).toEqual({ first: 0, second: 1, third: 2 })
  })

  test('limits a list: the item too many is refused with the message, what depends on it is reported', () => {
    const limit: Interceptor = (document: DocumentView, command) =>
      command.action === 'create' &&
      command.path![0] === 'todos' &&
      command.path!.length === 1 &&
      document.size(['todos']) >= 3
        ? { reject: { code: 'LIMIT', message: 'At most 3 todos.' } }
        : undefined
    const { world, proxy, ada } = open({ todos: {} }, [limit])
    const receipts = ['a', 'b', 'c', 'd'].map((id) => proxy.create(['todos'], {}, { id }))
    const child = proxy.create(['todos', 'd'], {}, { id: 'part' })
    ada.settle()
    expect(receipts.map(({ outcome }) => outcome!.kind)).toEqual([
      'applied',
      'applied',
      'applied',
      'rejected',
    ])
    expect(receipts[3]!.outcome).toMatchObject({ rejection: { message: 'At most 3 todos.' } })
    expect(child.outcome).toMatchObject({ kind: 'dropped', rejection: { code: 'PARENT_REJECTED' } })
    expect(proxy.keys(['todos'])).toEqual(['a', 'b', 'c'])
    expect(world.master.commandCount).toBe(3)
  })

  test('knows on which side it runs, who gives the command and when', () => {
    const seen: InterceptorContext[] = []
    const watch: Interceptor = (_document, _command, context) => void seen.push(context)
    const { world, proxy, ada, bob } = open({}, [watch], [watch])
    world.now = 7
    proxy.update([], {})
    world.now = 8
    ada.flush()
    bob.proxy.update([], {})
    expect(seen.map(({ side, user, now }) => [side, user?.id, now])).toEqual([
      ['proxy', 'ada', 7],
      ['master', 'ada', 8],
      ['proxy', undefined, 8],
    ])
  })

  test('that answers with a promise is refused, and what the promise throws is no unhandled error', async () => {
    const errors: unknown[] = []
    const late = (async () => {
      throw new Error('late')
    }) as unknown as Interceptor
    const world = new World<JsonObject>(
      {},
      { master: { interceptors: [late], onInterceptorError: (error) => errors.push(error) } },
    )
    const ada = world.join('ada')
    const receipt = ada.proxy.apply({ action: 'update', props: { a: 1 } })
    ada.settle()
    expect(await receipt.verdict).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'INTERCEPTOR_INVALID' },
    })
    await Promise.resolve()
    expect(errors).toEqual([new Error('late')])
  })

  test('whose answer cannot be read is refused', () => {
    const { world, proxy, ada } = open({}, [
      () => ({
        get props(): JsonObject {
          throw new Error('no')
        },
      }),
    ])
    const receipt = proxy.update([], { a: 1 })
    ada.settle()
    expect(receipt.outcome).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'INTERCEPTOR_FAILED' },
    })
    expect(world.master.commandCount).toBe(0)
  })

  test('on the proxy amends at once, and the master gets the command as amended', () => {
    const upper: Interceptor = (_, command) =>
      command.action === 'update'
        ? { props: { text: (command.props!['text'] as string).toUpperCase() } }
        : undefined
    const { proxy, ada } = open({}, [], [upper])
    proxy.update([], { text: 'milk' })
    expect(proxy.read()).toEqual({ text: 'MILK' })
    expect(proxy.beginFlush()!.commands).toEqual([
      { action: 'update', path: [], props: { text: 'MILK' } },
    ])
    proxy.cancelFlush()
    ada.settle()
    expect(proxy.rejections).toEqual([])
  })

  test('on the proxy amends anew what was given, each time a rebase puts it on again', () => {
    const append: Interceptor = (document, command) =>
      command.action === 'update'
        ? { props: { ...command.props, total: (document.read(['count']) as number) * 2 } }
        : undefined
    const { world, proxy, bob } = open({ count: 1 }, [], [])
    const ada = world.join('eve', { interceptors: [append] })
    ada.proxy.update([], { x: 1 })
    expect(ada.proxy.read()).toEqual({ count: 1, x: 1, total: 2 })
    bob.proxy.update([], { count: 5 })
    bob.settle()
    const { from, hash } = ada.proxy.confirmed
    ada.proxy.receive(world.master.pull(from, hash))
    expect(ada.proxy.read()).toEqual({ count: 5, x: 1, total: 10 })
    expect(proxy.read()).toEqual({ count: 1 })
  })

  test('that reads the whole document during a rebase costs no identity', () => {
    const nosy: Interceptor = (document) =>
      void [document.read(), document.read(['rows']), document.keys(['rows'])]
    const rows = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`row-${index}`, { n: index }]),
    )
    const { world, ada, bob, proxy } = open({ rows, other: {} }, [], [nosy])
    proxy.update(['rows', 'row-1'], { done: true })
    proxy.create(['rows'], {})
    const before = {
      rows: proxy.read(['rows']),
      keys: proxy.keys(['rows']),
      row: proxy.read(['rows', 'row-1']),
    }
    let calls = 0
    proxy.subscribe(() => (calls += 1), ['rows'])
    bob.proxy.update(['other'], { n: 1 })
    bob.settle()
    const { from, hash } = proxy.confirmed
    expect(proxy.receive(world.master.pull(from, hash))).toBe('applied')
    expect(calls).toBe(0)
    expect(proxy.read(['rows', 'row-1'])).toBe(before.row)
    expect(proxy.keys(['rows'])).toBe(before.keys)
    expect(proxy.read(['rows'])).toBe(before.rows)
    ada.settle()
    expect(proxy.read(['rows'])).toBe(before.rows)
  })
})

describe('the random numbers of an interceptor', () => {
  const dice: Interceptor = (_document, _command, { random }) => ({
    props: { dice: [random(), random()] },
  })

  test('are the same when a flush is done again, and others for another flush', () => {
    const { world, proxy, ada } = open({}, [dice])
    proxy.update([], {})
    const flush = proxy.beginFlush()!
    const context = { user: { id: 'ada' }, now: 0, seed: 'one' }
    const first = world.master.stage(flush, context).entry!
    world.master.rollback()
    const second = world.master.stage(flush, context).entry!
    world.master.rollback()
    const other = world.master.stage(flush, { ...context, seed: 'two' }).entry!
    world.master.rollback()
    expect(second).toEqual(first)
    expect(other.commands).not.toEqual(first.commands)
    const { dice: numbers } = (first.commands[0] as unknown as { props: { dice: number[] } }).props
    expect(numbers).toHaveLength(2)
    for (const number of numbers) {
      expect(number).toBeGreaterThanOrEqual(0)
      expect(number).toBeLessThan(1)
    }
    proxy.cancelFlush()
    ada.settle()
  })

  test('come again on the proxy when a rebase puts the command on again', () => {
    const { world, proxy, bob } = open({}, [], [dice])
    const { id } = proxy.create([])
    const rolled = proxy.read([id])
    bob.proxy.apply({ action: 'create' })
    bob.settle()
    const { from, hash } = proxy.confirmed
    proxy.receive(world.master.pull(from, hash))
    expect(proxy.read([id])).toBe(rolled)
  })
})

test('no interceptor runs while history is followed or replayed', () => {
  const calls: Command[] = []
  const { world, bob } = open({}, [(_, command) => void calls.push(command)])
  bob.proxy.update([], { a: 1 })
  const flush = bob.proxy.beginFlush()!
  const { entry } = world.master.stage(flush, { user: undefined, now: 0, seed: '' })
  world.master.rollback()
  calls.length = 0
  world.master.advance([entry!])
  expect(world.master.snapshot().document).toEqual({ a: 1 })
  expect(calls).toEqual([])
})

test('two commands for one node draw different random numbers, and the same again on a rebase', () => {
  const drawn: number[][] = []
  const world = new World({ todos: { a: {} } })
  const draw = (_document: unknown, _command: unknown, { random }: { random: () => number }) => {
    drawn.push([random(), random()])
  }
  const ada = world.join('ada', { interceptors: [draw] })
  const bob = world.join('bob')
  ada.proxy.update(['todos', 'a'], { x: 1 })
  ada.proxy.update(['todos', 'a'], { x: 2 })
  bob.proxy.update(['todos', 'a'], { y: 1 })
  bob.flush()
  ada.proxy.receive(world.master.pull(0, 'genesis'))
  expect(drawn).toHaveLength(4)
  expect(drawn[0]).not.toEqual(drawn[1])
  expect(drawn.slice(2)).toEqual(drawn.slice(0, 2))
})
