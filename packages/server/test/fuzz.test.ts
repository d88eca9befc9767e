import { PROTOCOL } from '@flushout/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TestServer } from './support/http.ts'
import { add, KEY } from './support/world.ts'

const good = {
  protocol: PROTOCOL,
  clientId: 'eve',
  sequence: 1,
  from: 0,
  hash: '',
  commands: [add('a')],
}

const NASTY: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 53,
  -(2 ** 53),
  '',
  '0',
  '__proto__',
  'constructor',
  '\u0000',
  '\ud800',
  [],
  [[]],
  {},
  { length: 1 },
  [null],
  ['__proto__'],
  'x'.repeat(1000),
  Number.MAX_VALUE,
]

const nasty = fc.constantFrom(...NASTY)

/** A flush with one field put in the place of another, dropped or added. */
const distorted = fc
  .tuple(fc.constantFrom(...Object.keys(good), 'extra', 'userId', '__proto__'), nasty)
  .map(([field, value]) => JSON.stringify({ ...good, [field]: value }))

const brokenCommand = fc
  .tuple(
    fc.constantFrom('action', 'path', 'id', 'props', 'parentDefault', 'unset', 'extra'),
    fc.constantFrom(null, true, 1, [], [1], [null], [[]], [{}], { a: 1 }),
  )
  .map(([field, value]) =>
    JSON.stringify({ ...good, commands: [{ ...add('a'), [field]: value, extra: 0 }] }),
  )

const cutOff = fc
  .integer({ min: 0, max: JSON.stringify(good).length - 1 })
  .map((length) => JSON.stringify(good).slice(0, length))

const malformed = fc.oneof(
  distorted,
  brokenCommand,
  cutOff,
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.jsonValue().map((value) => JSON.stringify({ ...good, commands: value })),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
)

test(
  '3,000 malformed bodies: only 4xx, the model untouched, no prototype polluted',
  { timeout: 60_000 },
  async () => {
    const errors: unknown[] = []
    await using server = await TestServer.start({
      log: { error: (details) => errors.push(details), info() {}, debug() {} },
      limits: { documentBytes: 100_000 },
    })
    let refused = 0
    let lastCount: unknown = 0
    await fc.assert(
      fc.asyncProperty(malformed, async (body) => {
        const answer = await server.post(body)
        // Some are well-formed by chance; those are answered, command by command.
        expect(answer.status === 200 || (answer.status >= 400 && answer.status < 500)).toBe(true)
        const isAccepted = answer.status === 200
        if (isAccepted) lastCount = answer.body['commandCount']
        else refused += 1
        expect(isAccepted || Object.keys(answer.body).join(' ') === 'code message retry').toBe(true)
      }),
      { numRuns: 3000 },
    )
    expect(refused).toBeGreaterThan(2000)
    expect(errors).toEqual([])
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect((await server.get(`/models/${KEY}`)).body['commandCount']).toBe(lastCount)
  },
)

test('a flush of malformed bodies alone leaves no trace', async () => {
  await using server = await TestServer.start()
  const before = (await server.get(`/models/${KEY}`)).text
  await fc.assert(
    fc.asyncProperty(fc.oneof(brokenCommand, cutOff), async (body) => {
      expect((await server.post(body)).status).toBe(400)
    }),
    { numRuns: 500 },
  )
  expect((await server.get(`/models/${KEY}`)).text).toBe(before)
})
