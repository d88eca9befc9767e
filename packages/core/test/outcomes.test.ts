import {
  catalogue,
  type ErrorCode,
  FlushoutError,
  type Interceptor,
  type JsonObject,
} from '@flushout/core'
import { World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

function open(document: object = {}, options: ConstructorParameters<typeof World>[1] = {}) {
  const world = new World<Record<string, any>>(document as Record<string, any>, options)
  return { world, ada: world.join('ada'), bob: world.join('bob') }
}

/** A rule of the master: no price below zero, and a stamp on every create. */
const shop: Interceptor = (_, command) => {
  if (command.action === 'delete') return undefined
  const price = command.props?.['price']
  if (typeof price === 'number' && price < 0)
    return { reject: { code: 'PRICE', message: 'Too cheap.' } }
  if (command.action === 'create') return { props: { ...command.props, stamped: true } }
  return undefined
}

describe('the outcome of a command', () => {
  test('is applied when it is history as given', async () => {
    const { ada } = open()
    const receipt = ada.proxy.update([], { a: 1 })
    expect(receipt.outcome).toBeUndefined()
    ada.flush()
    expect(receipt.outcome).toEqual({ kind: 'applied' })
    expect(await receipt.verdict).toEqual({ kind: 'applied' })
  })

  test('is dropped when its node was refused, though another of that name is there by now', () => {
    const { world, ada, bob } = open({}, { master: { interceptors: [shop] } })
    ada.proxy.create([], { price: -1 }, { id: 'tea' })
    const flush = ada.proxy.beginFlush()!
    const edits = [ada.proxy.update(['tea'], { name: 'Ada' }), ada.proxy.delete(['tea'])]
    bob.proxy.create([], { price: 2 }, { id: 'tea' })
    bob.flush()
    ada.proxy.endFlush(ada.send(flush))
    for (const { outcome } of edits) {
      expect(outcome).toMatchObject({
        kind: 'dropped',
        rejection: { code: 'PARENT_REJECTED', at: ['tea'] },
      })
    }
    world.settle()
    expect(ada.proxy.read()).toEqual({ tea: { price: 2, stamped: true } })
    expect(bob.proxy.read()).toEqual(ada.proxy.read())
  })

  test('is amended when it is history as something else, and its author sees what', async () => {
    const { ada } = open({}, { master: { interceptors: [shop] } })
    const receipt = ada.proxy.create([], { price: 1 })
    expect(ada.proxy.read([receipt.id])).toEqual({ price: 1 })
    ada.flush()
    expect(await receipt.verdict).toMatchObject({
      kind: 'amended',
      command: { action: 'create', props: { price: 1, stamped: true } },
    })
    expect(ada.proxy.read([receipt.id])).toEqual({ price: 1, stamped: true })
    expect(ada.proxy.rejections).toEqual([])
  })

  test('is rejected when a rule refuses it, and what it showed is gone', async () => {
    const { ada } = open({ milk: { price: 1 } }, { master: { interceptors: [shop] } })
    const receipt = ada.proxy.update(['milk'], { price: -1 })
    expect(ada.proxy.read(['milk'])).toEqual({ price: -1 })
    ada.flush()
    expect(await receipt.verdict).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'PRICE', message: 'Too cheap.', at: ['milk'] },
    })
    expect(ada.proxy.read(['milk'])).toEqual({ price: 1 })
    expect(ada.proxy.rejections).toMatchObject([
      { kind: 'rejected', command: { action: 'update', props: { price: -1 } } },
    ])
  })

  test('is dropped when what it builds on is gone, and the deletion stands', async () => {
    const { world, ada, bob } = open({ milk: { price: 1 } })
    bob.proxy.delete(['milk'])
    bob.flush()
    const receipt = ada.proxy.update(['milk'], { price: 2 })
    ada.flush()
    expect(await receipt.verdict).toMatchObject({
      kind: 'dropped',
      rejection: { code: 'PATH_NOT_FOUND', at: ['milk'] },
    })
    expect(ada.proxy.read()).toEqual({})
    expect(world.master.snapshot()).toMatchObject({ commandCount: 1, document: {} })
    expect(ada.proxy.rejections).toMatchObject([{ kind: 'dropped' }])
  })

  test('is dropped for all that lies below a rejected create, in this flush and in later ones', () => {
    const { world, ada } = open({}, { master: { interceptors: [shop] } })
    const cheap = ada.proxy.create([], { price: -1 }, { id: 'cheap' })
    const child = ada.proxy.create(['cheap'], {}, { id: 'child' })
    const flush = ada.proxy.beginFlush()!
    const later = ada.proxy.update(['cheap', 'child'], { n: 1 })
    const other = ada.proxy.update([], { n: 1 })
    ada.proxy.endFlush(ada.send(flush))
    ada.settle()
    expect([cheap, child, later, other].map(({ outcome }) => outcome?.kind)).toEqual([
      'rejected',
      'dropped',
      'dropped',
      'applied',
    ])
    expect(child.outcome).toMatchObject({ rejection: { code: 'PARENT_REJECTED', at: ['cheap'] } })
    expect(ada.proxy.read()).toEqual({ n: 1 })
    expect(ada.proxy.rejections).toHaveLength(3)
    expect(world.master.commandCount).toBe(1)
  })

  test('of one that was refused on the spot is known at once, and is no entry of `rejections`', async () => {
    const { ada } = open()
    const receipt = ada.proxy.update(['gone'], {})
    expect(receipt.ok).toBe(false)
    expect(receipt.outcome).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'PATH_NOT_FOUND' },
    })
    expect(await receipt.verdict).toBe(receipt.outcome)
    expect(ada.proxy.rejections).toEqual([])
  })

  test('comes once: a later answer cannot change it', async () => {
    const { ada } = open()
    const receipt = ada.proxy.update([], { a: 1 })
    const answer = ada.send(ada.proxy.beginFlush()!)
    const verdict = receipt.verdict
    ada.proxy.endFlush(answer)
    const rejected = { index: 0, kind: 'rejected', rejection: { code: 'NO', message: '' } }
    expect(ada.proxy.endFlush({ ...answer, verdicts: [rejected] })).toEqual({
      ok: false,
      code: 'NO_FLUSH',
    })
    expect(await verdict).toEqual({ kind: 'applied' })
    expect(receipt.verdict).toBe(verdict)
    expect(ada.proxy.rejections).toEqual([])
  })

  test('is open as long as nobody knows', async () => {
    const { ada } = open()
    const receipt = ada.proxy.update([], { a: 1 })
    ada.proxy.beginFlush()
    ada.proxy.cancelFlush()
    const first = await Promise.race([receipt.verdict, Promise.resolve('open')])
    expect(first).toBe('open')
  })
})

describe('`rejections`', () => {
  test('holds what was lost, oldest first, until it is dismissed', () => {
    const { ada } = open({}, { master: { interceptors: [shop] } })
    let calls = 0
    ada.proxy.subscribeStatus(() => (calls += 1))
    for (const price of [-1, -2]) ada.proxy.update([], { price })
    ada.flush()
    const [first, second] = ada.proxy.rejections
    expect([first!.command, second!.command]).toMatchObject([
      { props: { price: -1 } },
      { props: { price: -2 } },
    ])
    expect(ada.proxy.status.rejected).toBe(2)
    calls = 0
    ada.proxy.dismiss(first!)
    expect(ada.proxy.rejections).toEqual([second])
    expect(ada.proxy.status.rejected).toBe(1)
    expect(calls).toBe(1)
    ada.proxy.dismiss(first!)
    expect(calls).toBe(1)
  })

  test('keeps its identity until it changes, and is frozen', () => {
    const { ada } = open({}, { master: { interceptors: [shop] } })
    const none = ada.proxy.rejections
    ada.proxy.update([], { price: 1 })
    ada.flush()
    expect(ada.proxy.rejections).toBe(none)
    ada.proxy.update([], { price: -1 })
    ada.flush()
    expect(ada.proxy.rejections).not.toBe(none)
    expect(Object.isFrozen(ada.proxy.rejections)).toBe(true)
    expect(none).toEqual([])
  })

  test('forgets the oldest beyond a thousand', () => {
    const { ada } = open({}, { master: { interceptors: [shop] } })
    for (let index = 1; index <= 1_010; index += 1) ada.proxy.update([], { price: -index })
    ada.settle()
    expect(ada.proxy.rejections).toHaveLength(1_000)
    expect(ada.proxy.rejections[0]!.command).toMatchObject({ props: { price: -11 } })
  })
})

describe('a flush that failed as a whole', () => {
  const fail = (code: ErrorCode) => new FlushoutError(code, 'why')
  const codes = (retry: string) =>
    (Object.keys(catalogue) as ErrorCode[]).filter((code) => catalogue[code] === retry)

  for (const code of [...codes('same-flush'), ...codes('after-auth'), ...codes('after-upgrade')]) {
    test(`with ${code} stays as it is and is sent again, byte for byte`, () => {
      const { ada } = open()
      const receipt = ada.proxy.update([], { a: 1 })
      const flush = ada.proxy.beginFlush()!
      ada.proxy.failFlush(fail(code))
      ada.proxy.update([], { b: 1 })
      expect(ada.proxy.read()).toEqual({ a: 1, b: 1 })
      expect(ada.proxy.beginFlush()).toBe(flush)
      ada.proxy.cancelFlush()
      ada.settle()
      expect(receipt.outcome).toEqual({ kind: 'applied' })
    })
  }

  test('with a refusal for ever is rejected, and what was queued goes on', () => {
    const { world, ada } = open({ a: {} })
    const lost = [ada.proxy.update(['a'], { n: 1 }), ada.proxy.create([], {}, { id: 'x' })]
    const flush = ada.proxy.beginFlush()!
    const kept = ada.proxy.update([], { kept: true })
    const below = ada.proxy.update(['x'], { n: 2 })
    ada.proxy.failFlush(fail('FORBIDDEN'))
    for (const receipt of lost)
      expect(receipt.outcome).toMatchObject({
        kind: 'rejected',
        rejection: { code: 'FORBIDDEN', message: 'why' },
      })
    expect(below.outcome).toMatchObject({ kind: 'dropped', rejection: { code: 'PARENT_REJECTED' } })
    expect(ada.proxy.read()).toEqual({ a: {}, kept: true })
    // Its number was not used up.
    expect(ada.proxy.beginFlush()).toMatchObject({
      clientId: flush.clientId,
      sequence: flush.sequence,
    })
    ada.proxy.cancelFlush()
    ada.settle()
    expect(kept.outcome).toEqual({ kind: 'applied' })
    expect(world.master.snapshot().document).toEqual({ a: {}, kept: true })
  })

  for (const code of ['FLUSH_TOO_LARGE', 'FLUSH_INVALID'] as const) {
    test(`with ${code} is sent in halves, until the one command at fault is rejected alone`, () => {
      const { world, ada } = open()
      const receipts = Array.from({ length: 64 }, (_, n) => ada.proxy.update([], { [`n${n}`]: n }))
      let sent = 0
      for (let flush = ada.proxy.beginFlush(); flush; flush = ada.proxy.beginFlush()) {
        sent += 1
        const isBad = flush.commands.some((command) => 'props' in command && 'n5' in command.props)
        if (isBad) ada.proxy.failFlush(fail(code))
        else ada.proxy.endFlush(ada.send(flush))
      }
      expect(receipts.map(({ outcome }) => outcome!.kind === 'applied')).toEqual(
        receipts.map((_, n) => n !== 5),
      )
      expect(sent).toBeLessThan(30)
      expect(receipts[5]!.outcome).toMatchObject({ kind: 'rejected', rejection: { code } })
      expect(world.master.commandCount).toBe(63)
      expect(ada.proxy.read()).toEqual(world.master.snapshot().document)
    })
  }

  for (const code of ['HISTORY_CHANGED', 'SEQUENCE_GAP'] as const) {
    test(`with ${code} is sent once more, and claims no past`, () => {
      const { world, ada } = open()
      const receipt = ada.proxy.update([], { a: 1 })
      const flush = ada.proxy.beginFlush()!
      ada.proxy.update([], { b: 1 })
      ada.proxy.failFlush(fail(code))
      expect(ada.proxy.status).toMatchObject({ queued: 1, inFlight: 1 })
      expect(receipt.outcome).toBeUndefined()
      expect(ada.proxy.beginFlush()).toEqual({ ...flush, hash: '' })
      ada.proxy.cancelFlush()
      ada.settle()
      expect(receipt.outcome).toEqual({ kind: 'applied' })
      expect(world.master.snapshot().document).toEqual({ a: 1, b: 1 })
    })
  }

  test('with SEQUENCE_REUSED is queued again under a new client id, for a snapshot', () => {
    const { world, ada } = open()
    const receipt = ada.proxy.update([], { a: 1 })
    const flush = ada.proxy.beginFlush()!
    ada.proxy.update([], { b: 1 })
    ada.proxy.failFlush(fail('SEQUENCE_REUSED'))
    expect(ada.proxy.status).toMatchObject({ queued: 2, inFlight: 0 })
    expect(receipt.outcome).toBeUndefined()
    const again = ada.proxy.beginFlush()!
    expect(again).toMatchObject({
      sequence: 1,
      hash: '',
      commands: [{ props: { a: 1 } }, { props: { b: 1 } }],
    })
    expect(again.clientId).not.toBe(flush.clientId)
    ada.proxy.cancelFlush()
    ada.settle()
    expect(receipt.outcome).toEqual({ kind: 'applied' })
    expect(world.master.snapshot().document).toEqual({ a: 1, b: 1 })
  })

  test('for good is rejected at first, but only dropped if it was sent before', () => {
    const { world, ada } = open()
    const first = ada.proxy.update([], { a: 1 })
    ada.proxy.beginFlush()
    ada.proxy.failFlush(fail('FORBIDDEN'))
    expect(first.outcome).toMatchObject({ kind: 'rejected', rejection: { code: 'FORBIDDEN' } })
    const second = ada.proxy.update([], { b: 1 })
    ada.send(ada.proxy.beginFlush()!)
    ada.proxy.cancelFlush()
    ada.proxy.beginFlush()
    ada.proxy.failFlush(fail('FORBIDDEN'))
    // It took effect, though nobody heard of it: to call it refused would be a lie.
    expect(second.outcome).toMatchObject({ kind: 'dropped', rejection: { code: 'FORBIDDEN' } })
    ada.settle()
    expect(ada.proxy.read()).toEqual({ b: 1 })
    expect(world.master.snapshot().document).toEqual({ b: 1 })
  })

  for (const code of ['CLIENT_EXPIRED', 'SEQUENCE_PAST'] as const) {
    test(`with ${code} is dropped, since it may have been applied, and its author is told`, () => {
      const { world, ada } = open()
      const receipt = ada.proxy.update([], { a: 1 })
      const flush = ada.proxy.beginFlush()!
      ada.send(flush)
      ada.proxy.cancelFlush()
      const queued = ada.proxy.update([], { b: 1 })
      ada.proxy.beginFlush()
      ada.proxy.failFlush(fail(code))
      expect(receipt.outcome).toMatchObject({ kind: 'dropped', rejection: { code } })
      expect(ada.proxy.rejections).toHaveLength(1)
      expect(ada.proxy.clientId).not.toBe(flush.clientId)
      ada.settle()
      expect(queued.outcome).toEqual({ kind: 'applied' })
      expect(world.master.commandCount).toBe(2)
      expect(ada.proxy.read()).toEqual({ a: 1, b: 1 })
    })
  }

  test('with CLIENT_EXPIRED, though sent just once, goes again under an id without a time', () => {
    const { world, ada } = open()
    const receipt = ada.proxy.update([], { a: 1 })
    ada.proxy.beginFlush()
    ada.proxy.failFlush(fail('CLIENT_EXPIRED'))
    expect(ada.proxy.rejections).toEqual([])
    expect(ada.proxy.clientId).toMatch(/^~/)
    ada.settle()
    expect(receipt.outcome).toEqual({ kind: 'applied' })
    expect(world.master.snapshot().document).toEqual({ a: 1 })
  })

  test('with CLIENT_EXPIRED goes on under an id that a copy of the client gets, too', () => {
    const { ada } = open()
    const { clientId } = ada.proxy
    for (const id of [`~${clientId}`, `~~${clientId}`]) {
      ada.proxy.update([], { [id]: 1 })
      ada.proxy.beginFlush()
      ada.proxy.failFlush(fail('CLIENT_EXPIRED'))
      expect(ada.proxy.clientId).toBe(id)
    }
  })

  test('when there is none is no matter', () => {
    const { ada } = open()
    ada.proxy.update([], { a: 1 })
    for (const code of Object.keys(catalogue) as ErrorCode[]) ada.proxy.failFlush(fail(code))
    expect(ada.proxy.status).toEqual({
      queued: 1,
      inFlight: 0,
      confirmed: 0,
      rejected: 0,
      historyChanges: 0,
    })
    expect(ada.proxy.clientId).toBe('ada-1')
  })

  test('and asked for news only loses nothing', () => {
    const { ada } = open()
    for (const code of ['FORBIDDEN', 'HISTORY_CHANGED', 'NETWORK'] as const) {
      ada.proxy.beginFlush({ pull: true })
      const receipt = ada.proxy.update([], { [code]: 1 })
      ada.proxy.failFlush(fail(code))
      expect(receipt.outcome).toBeUndefined()
    }
    ada.settle()
    expect(ada.proxy.read()).toEqual({ FORBIDDEN: 1, HISTORY_CHANGED: 1, NETWORK: 1 })
    expect(ada.proxy.rejections).toEqual([])
  })
})

test('every code has a retry that a proxy knows, and errors carry it', () => {
  const retries = new Set(Object.values(catalogue))
  expect(retries).toEqual(
    new Set(['never', 'same-flush', 'after-resync', 'after-auth', 'after-upgrade']),
  )
  const error = new FlushoutError('BUSY', 'later', { retryAfterMs: 500, cause: 'x' })
  expect(error).toMatchObject({
    name: 'FlushoutError',
    code: 'BUSY',
    retry: 'same-flush',
    retryAfterMs: 500,
    cause: 'x',
  } satisfies JsonObject)
})
