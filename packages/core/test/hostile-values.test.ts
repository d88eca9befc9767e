// Values that JSON does not carry as they are: each alone, in every place of a
// command, on both sides.
import { type Command, CommandProxy, type JsonObject, Master } from '@flushout/core'
import { createTestIds } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'
import { isDeeplyFrozen } from './support/engine.ts'
import { NOT_JSON, ODD_JSON } from './support/hostile-values.ts'
import { context, flushOf } from './support/original.ts'

const START: JsonObject = { a: { x: 1 } }

function createPair() {
  const options = { createId: createTestIds('id'), now: () => 0, digest: () => 'digest' }
  const snapshot = { commandCount: 0, hash: 'hash-0', document: START }
  return {
    proxy: new CommandProxy<JsonObject>(snapshot, options),
    master: new Master(snapshot, options),
  }
}

/** The places of a command where a value may stand. */
const PLACES: Record<string, (value: unknown) => object> = {
  'as a prop': (value) => ({ action: 'update', path: ['a'], props: { y: value } }),
  'as a prop of a new node': (value) => ({ action: 'create', id: 'n', props: { y: value } }),
  'deep in the props': (value) => ({ action: 'update', props: { y: [{ z: [value] }] } }),
  'as a default parent': (value) => ({
    action: 'create',
    path: ['new'],
    id: 'n',
    parentDefault: { y: value },
  }),
}

const named = (makers: readonly (() => unknown)[]) =>
  makers.map((make, index) => [`${index}: ${String(make).replace(/\s+/g, ' ')}`, make] as const)

describe.each(Object.entries(PLACES))('%s', (_, place) => {
  test.each(named(NOT_JSON))('%s is refused alike on both sides', (_name, make) => {
    const { proxy, master } = createPair()
    const receipt = proxy.apply(place(make()) as Command)
    expect(receipt.rejection?.code).toMatch(
      /^(VALUE_INVALID|KEY_FORBIDDEN|TOO_DEEP|COMMAND_INVALID)$/,
    )
    const { verdicts } = master.apply(flushOf([place(make()) as Command]), context)
    expect(verdicts).toEqual([{ index: 0, kind: 'rejected', rejection: receipt.rejection }])
    expect(proxy.read()).toEqual(START)
    expect([proxy.commandCount, proxy.status.queued, master.commandCount]).toEqual([0, 0, 0])
    expect(JSON.stringify(receipt.rejection)).not.toContain('must not be seen')
  })

  test.each(named(ODD_JSON))('%s is carried as JSON carries it', (_name, make) => {
    const { proxy, master } = createPair()
    expect(proxy.apply(place(make()) as Command).ok).toBe(true)
    const flush = proxy.beginFlush()!
    expect(JSON.parse(JSON.stringify(flush))).toEqual(flush)
    expect(master.apply(flushOf([place(make()) as Command]), context).verdicts).toEqual([])
    expect(JSON.stringify(master.snapshot().document)).toBe(JSON.stringify(proxy.read()))
    expect(isDeeplyFrozen(proxy.read())).toBe(true)
  })
})

test('what was handed over is neither changed, nor frozen, nor kept', () => {
  const { proxy, master } = createPair()
  const list = [{ n: 1 }]
  const path = ['a']
  const unset = ['x']
  const command = { action: 'update', path, props: { list }, unset } as const
  proxy.apply(command)
  master.apply(flushOf([command]), context)
  for (const part of [command, path, unset, command.props, list, list[0]!]) {
    expect(Object.isFrozen(part)).toBe(false)
  }
  list[0]!.n = 2
  list.push({ n: 3 })
  path.push('b')
  for (const document of [proxy.read(), master.snapshot().document]) {
    expect(document).toEqual({ a: { list: [{ n: 1 }] } })
  }
})
