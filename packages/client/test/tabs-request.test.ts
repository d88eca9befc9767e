// What several tabs ask for together, and what of the answers is for which of them.
import type { LiveEvent, LiveRequest } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { Hearer } from '../src/tabs/hearer.ts'
import { mergeRequests } from '../src/tabs/merged-request.ts'
import { ownReady } from '../src/tabs/own-ready.ts'

const at = (from: number) => ({ from, hash: `h${from}` })
const ask = (request: Omit<LiveRequest, 'protocol'>): LiveRequest => ({ protocol: 1, ...request })
const heads = (counts: Record<string, number>): LiveEvent => {
  const known = Object.entries(counts).map(([key, commandCount]) => [
    key,
    { commandCount, hash: `h${commandCount}` },
  ])
  return { event: 'heads', heads: Object.fromEntries(known) }
}
const updates = (key: string, commandCount: number): LiveEvent => {
  const hash = `h${commandCount}`
  return { event: 'updates', key, base: '', commandCount, hash, updates: [] }
}
const change = (key: string, kind: 'create' | 'delete'): LiveEvent => {
  return { event: 'model', key, change: kind }
}
const items = (key: string, path: string[], commandCount: number): LiveEvent => ({
  event: 'feed',
  key,
  feed: { path },
  from: commandCount - 1,
  base: '',
  commandCount,
  hash: `h${commandCount}`,
  clientId: '',
  events: [],
})

describe('requests that are merged', () => {
  test('ask for each model from where the last of them is', () => {
    const merged = mergeRequests([
      ask({ models: { a: at(3), b: at(7), constructor: at(1) } }),
      ask({ models: { a: at(2), c: null } }),
      ask({ models: { c: at(4) } }),
    ])
    expect(merged.models).toEqual({
      a: at(2),
      b: at(7),
      c: at(4),
      constructor: at(1),
    })
  })

  test('ask for a feed once, and of the models that all of them know', () => {
    const feed = { models: 'todos:*', path: ['todos'] }
    const one = { ...feed, since: { 'todos:a': at(3), 'todos:b': at(5) } }
    const two = { ...feed, since: { 'todos:a': at(4), 'todos:c': at(1) } }
    const other = { models: 'todos:*', path: ['people'] }
    const merged = mergeRequests([ask({ feeds: [one] }), ask({ feeds: [feed, other, two] })])
    expect(merged.feeds).toEqual([other, { ...feed, since: { 'todos:a': at(3) } }])
  })

  test('name everybody once, as they are now', () => {
    const visit = (token: string, sequence: number) => ({ token, sequence, models: {} })
    const merged = mergeRequests([
      ask({ presence: visit('token-b', 2) }),
      ask({ presence: visit('token-a', 1) }),
      ask({ presence: visit('token-b', 1) }),
    ])
    expect(merged.presence).toEqual(visit('token-a', 1))
    expect(merged.peers).toEqual([visit('token-b', 2)])
  })
})

describe('a tab', () => {
  test('hears of its own models, and asks for what comes after that', () => {
    const hearer = new Hearer(ask({ models: { a: at(1), b: null } }))
    expect(hearer.pick(updates('a', 2))).toEqual(updates('a', 2))
    expect(hearer.pick(updates('c', 2))).toBeUndefined()
    expect(hearer.request.models).toEqual({ a: at(2), b: null })
    expect(hearer.pick(heads({ a: 3, b: 4, c: 5 }))).toEqual(heads({ a: 3, b: 4 }))
    // A sign of life is one for all.
    expect(hearer.pick(heads({ c: 6 }))).toEqual(heads({}))
    expect(hearer.request.models).toEqual({ a: at(3), b: at(4) })
  })

  test('hears of its own feeds, and only of those', () => {
    const hearer = new Hearer(ask({ feeds: [{ models: 'todos:*', path: ['todos'] }] }))
    expect(hearer.pick(items('todos:a', ['todos'], 2))).toBeDefined()
    expect(hearer.pick(items('todos:a', ['people'], 3))).toBeUndefined()
    expect(hearer.pick(items('team:a', ['todos'], 3))).toBeUndefined()
    expect(hearer.pick(change('team:a', 'create'))).toBeUndefined()
    expect(hearer.request.feeds?.[0]?.since).toEqual({ 'todos:a': at(2) })
  })

  test('hears once that a model came, also where another was told later', () => {
    const since = { 'todos:a': at(1) }
    const hearer = new Hearer(ask({ feeds: [{ models: 'todos:*', since }] }))
    expect(hearer.pick(change('todos:a', 'create'))).toBeUndefined()
    // Another tab holds it as a document.
    hearer.pick(heads({ 'todos:b': 1 }))
    expect(hearer.pick(change('todos:b', 'create'))).toBeDefined()
    expect(hearer.pick(change('todos:b', 'create'))).toBeUndefined()
    expect(hearer.pick(change('todos:b', 'delete'))).toBeDefined()
    expect(hearer.pick(change('todos:b', 'create'))).toBeDefined()
    // What was there when it began is no news when another asks.
    hearer.pick(heads({ 'todos:c': 1 }))
    hearer.asked()
    expect(hearer.pick(change('todos:c', 'create'))).toBeUndefined()
  })

  test('hears who is where it is, and what is refused to it', () => {
    const presence = { token: 'token-a', sequence: 1, models: { a: { name: 'Ada' } } }
    const hearer = new Hearer(ask({ presence, models: { b: null } }))
    const present = (key: string): LiveEvent => ({ event: 'presence', key, peers: {} })
    const refused = (models: string): LiveEvent => {
      return { event: 'refused', models, code: 'FORBIDDEN', message: '', retry: 'never' }
    }
    const keys = ['a', 'b', 'c', 'constructor']
    expect(keys.filter((key) => hearer.pick(present(key)))).toEqual(['a'])
    expect(keys.filter((key) => hearer.pick(refused(key)))).toEqual(['a', 'b'])
  })

  test("is told its own name, and nobody else's", () => {
    const visit = (token: string) => ({ token, sequence: 1, models: {} })
    const [a, b, c] = [visit('token-a'), visit('token-b'), visit('token-c')]
    const ready = { event: 'ready', heartbeatMs: 5, peer: 'Ada', peers: ['Bob', 'Cy'] } as const
    const all = ask({ presence: a, peers: [b, c] })
    const names = [a, b, c].map((presence) => ownReady(ready, all, ask({ presence })))
    expect(names.map(({ peer }) => peer)).toEqual(['Ada', 'Bob', 'Cy'])
    expect(names[1]).toEqual({ event: 'ready', heartbeatMs: 5, peer: 'Bob' })
    expect(ownReady(ready, all, ask({}))).toEqual({ event: 'ready', heartbeatMs: 5 })
  })

  test('is asked for as it last said it is', () => {
    const presence = { token: 'token-a', sequence: 2, models: { a: { name: 'Ada' } } }
    const hearer = new Hearer(ask({ presence }))
    hearer.announce({ ...presence, sequence: 1, models: { a: { name: 'old' } } })
    hearer.announce({ token: 'token-b', sequence: 9, models: { a: { name: 'Bob' } } })
    expect(hearer.request.presence).toEqual(presence)
    hearer.announce({ ...presence, sequence: 3, models: { a: null, b: { name: 'Ada' } } })
    expect(hearer.request.presence).toEqual({ ...presence, sequence: 3, models: { a: null } })
  })
})
