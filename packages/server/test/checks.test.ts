// What is asked before the commands of a flush are applied, and may take its time.
import type { Command } from '@flushout/core'
import { allowAnyone, memoryStore, type Check, type ServiceOptions } from '@flushout/server'
import { describe, expect, test } from 'vitest'
import { Clock, settle } from './support/live-world.ts'
import { add, codeOf, createTestService, KEY, Writer } from './support/world.ts'

const FULL = { message: 'The plan of this team allows no more.', code: 'PLAN_FULL' }

function start(check: Check, options: Partial<ServiceOptions> = {}) {
  const clock = new Clock()
  const service = createTestService({
    store: memoryStore(),
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*', initial: { todos: {} }, check }],
    environment: clock.environment,
    ...options,
  })
  return { clock, service, ada: new Writer(service, 'ada', { user: { id: 'ada' } }) }
}

/** A check that nobody has answered yet. */
function createGate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { check: (() => opened) as Check, open: () => open() }
}

describe('a check', () => {
  test('refuses single commands, and what builds on them; the others take effect', async () => {
    const { ada } = start(async (commands) =>
      commands.flatMap(({ action, path }, index) =>
        action === 'create' && path?.length === 1 && index > 0 ? [{ index, ...FULL }] : [],
      ),
    )
    const child: Command = { action: 'create', path: ['todos', 'b'], id: 'part' }
    const done: Command = { action: 'update', path: ['todos', 'a'], props: { done: true } }
    const { verdicts } = await ada.flush(add('a'), add('b'), child, done)
    expect(verdicts).toMatchObject([
      { index: 1, kind: 'rejected', rejection: { ...FULL, at: ['todos', 'b'] } },
      { index: 2, kind: 'dropped', rejection: { code: 'PARENT_REJECTED' } },
    ])
    expect(await ada.todos()).toEqual({ a: { text: 'a', done: true } })
  })

  test('takes an atomic group down as a whole', async () => {
    const { ada } = start(() => [{ index: 1, message: 'No.', at: ['todos'] }])
    const groups = [{ at: 0, count: 2, atomic: true as const }]
    const { verdicts } = await ada.send({ ...ada.next([add('a'), add('b')]), groups })
    expect(verdicts).toMatchObject([
      { kind: 'dropped', rejection: { code: 'GROUP_REJECTED' } },
      { kind: 'rejected', rejection: { code: 'REJECTED', message: 'No.', at: ['todos'] } },
    ])
    expect(await ada.todos()).toEqual({})
  })

  test('is told who sends what to which model, and is not asked about news', async () => {
    const asked: unknown[] = []
    const { ada } = start((commands, { key, user, signal }) => {
      asked.push([commands, key, user, signal.aborted])
    })
    await ada.add('a')
    await ada.pull()
    await ada.service.snapshot(KEY)
    expect(asked).toEqual([[[add('a')], KEY, { id: 'ada' }, false]])
  })

  test('is not asked for whoever may not write', async () => {
    let calls = 0
    const { ada } = start(() => void (calls += 1), { authorize: () => false })
    expect(await codeOf(ada.add('a'))).toBe('FORBIDDEN')
    expect(calls).toBe(0)
  })

  test('holds nobody up but the one who sent it', async () => {
    const gate = createGate()
    const { ada, service } = start((commands, context) =>
      context.user?.id === 'ada' ? gate.check(commands, context) : undefined,
    )
    const waiting = ada.add('a')
    const bob = new Writer(service, 'bob', { user: { id: 'bob' } })
    await bob.add('b')
    expect(Object.keys(await bob.todos())).toEqual(['b'])
    gate.open()
    await waiting
    expect(Object.keys(await bob.todos())).toEqual(['b', 'a'])
  })
})

describe('a check that cannot tell', () => {
  test.each<[string, Check]>([
    ['throws', () => Promise.reject(new Error('secret'))],
    [
      'throws at once',
      () => {
        throw new Error('secret')
      },
    ],
    ['objects to nothing that there is', () => [{ index: 7, message: 'x' }]],
    ['objects without a word', () => [{ index: 0 }] as never],
    ['objects at no path', () => [{ index: 0, message: 'x', at: 'todos' }] as never],
    ['answers something else', () => 7 as never],
  ])('%s: that passes, is logged, and the flush can be sent again', async (_what, check) => {
    const errors: unknown[] = []
    let isBroken = true
    const log = { error: (...told: unknown[]) => void errors.push(told), info() {}, debug() {} }
    const { ada } = start((...args) => (isBroken ? check(...args) : undefined), { log })
    const flush = ada.next([add('a')])
    const error: unknown = await ada.send(flush).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retry: 'same-flush' })
    expect((error as Error).message).not.toContain('secret')
    expect(errors).toHaveLength(1)
    isBroken = false
    await ada.send(flush)
    expect(await ada.todos()).toEqual({ a: { text: 'a' } })
  })

  test('in time is told so, and left alone', async () => {
    let signal: AbortSignal | undefined
    const gate = createGate()
    const { ada, clock } = start(
      (commands, context) => {
        signal = context.signal
        return gate.check(commands, context)
      },
      { limits: { checkMs: 300 } },
    )
    const code = codeOf(ada.add('a'))
    await settle()
    await clock.pass(299)
    expect(signal?.aborted).toBe(false)
    await clock.pass(1)
    expect(await code).toBe('UNAVAILABLE')
    expect(signal?.aborted).toBe(true)
    gate.open()
    await settle()
    expect(await ada.todos()).toEqual({})
  })

  test('leaves no timer behind when it could', async () => {
    const { ada, clock } = start(() => {})
    await ada.add('a')
    const before = clock.timers
    await ada.add('b')
    expect(clock.timers).toBe(before)
  })

  test('before the server shuts down has it refused, not applied', async () => {
    const gate = createGate()
    const { ada, service } = start(gate.check)
    const code = codeOf(ada.add('a'))
    await settle()
    service.drain()
    gate.open()
    expect(await code).toBe('UNAVAILABLE')
  })
})

test('a flush that is sent again after its answer was lost takes effect once, whatever the check says then', async () => {
  let isFull = false
  const { ada } = start(() => (isFull ? [{ index: 0, ...FULL }] : undefined))
  const flush = ada.next([add('a')])
  await ada.send(flush)
  isFull = true
  const again = await ada.send(flush)
  expect(again).toMatchObject({ outcome: 'repeated', verdicts: [] })
  expect(await ada.todos()).toEqual({ a: { text: 'a' } })
})
