import { isFlushoutError, Master, type JsonObject } from '@flushout/core'
import { createTestIds, testDigest } from '@flushout/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

/** What a master makes of a document that was parsed, copied or taken as it is. */
function start(text: string, isOwned: boolean) {
  const document = JSON.parse(text) as JsonObject
  const options = { createId: createTestIds('id'), digest: testDigest, isOwned }
  try {
    const master = new Master({ commandCount: 3, hash: 'h', schema: 2, document }, options)
    const { documentBytes } = master
    return { master, document, told: { snapshot: master.snapshot(), documentBytes } }
  } catch (error) {
    if (!isFlushoutError(error)) throw error
    return { document, told: error.code }
  }
}

function nested(levels: number): string {
  return '{"a":'.repeat(levels) + '{}' + '}'.repeat(levels)
}

test.each([
  ['{}'],
  ['{"a":{"b":[1,[true,null,{"c":"d"}]]},"e":0}'],
  ['{"zero":-0,"list":[-0,{"zero":-0}]}'],
  ['[]'],
  ['"text"'],
  ['null'],
  ['{"a":1e999}'],
  ['{"a":[-1e999]}'],
  ['{"a":"\\ud800"}'],
  ['{"a":["\\udc00"]}'],
  ['{"\\ud800":1}'],
  ['{"__proto__":1}'],
  ['{"a":{"constructor":{}}}'],
  ['{"a":[{"prototype":{}}]}'],
  [nested(64)],
  [nested(65)],
])('%s starts a master that owns it as it starts one that copies it', (text) => {
  expect(start(text, true).told).toEqual(start(text, false).told)
})

test('whatever was parsed is taken as its copy would be', () =>
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const text = JSON.stringify(value)
      expect(start(text, true).told).toEqual(start(text, false).told)
    }),
  ))

test('what is owned is frozen where it is, all the way down, and not copied', () => {
  const { master, document } = start('{"a":{"list":[{"b":1}]}}', true)
  expect(master!.snapshot().document).toBe(document)
  const a = document['a'] as JsonObject
  for (const value of [document, a, a['list'], (a['list'] as JsonObject[])[0]]) {
    expect(Object.isFrozen(value)).toBe(true)
  }
})

test('what is not owned stays its owner’s', () => {
  const { master, document } = start('{"a":{"b":1}}', false)
  expect(Object.isFrozen(document)).toBe(false)
  expect(master!.snapshot().document).not.toBe(document)
})

test.each([[-1], [0.5], ['1']])('%s commands are no beginning', (commandCount) => {
  const options = { createId: createTestIds('id'), digest: testDigest, isOwned: true }
  const snapshot = { commandCount: commandCount as number, hash: 'h', document: {} }
  expect(() => new Master(snapshot, options)).toThrow('commandCount')
})
