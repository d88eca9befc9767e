// Every message of test/hostile over HTTP, and its commands on both sides of core.
// What a fuzz finds joins that folder.
import {
  CommandProxy,
  Master,
  type Command,
  type Flush,
  type FlushAnswer,
  type JsonObject,
} from '@flushout/core'
import { createTestIds } from '@flushout/core/testing'
import { expect, test } from 'vitest'
import { bodyOf, commandsText, GOOD, readCorpus, START } from './support/hostile-corpus.ts'
import { TestServer } from './support/http.ts'

const HOSTILE = 'todos:hostile'
const corpus = readCorpus()
// Core alone: its limits are for the sizes of ordinary use.
const HUGE = { maxFlushBytes: 1e7, maxDocumentBytes: 1e7 }
const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype]
const pristine = prototypes.map((one) => Reflect.ownKeys(one))

function expectCleanPrototypes(): void {
  expect(prototypes.map((one) => Reflect.ownKeys(one))).toEqual(pristine)
}

function startServer(): Promise<TestServer> {
  return TestServer.start({ models: [{ pattern: 'todos:*', initial: START }] })
}

/** `applied`, or the code of the refusal, for each command. */
function outcomes(answer: Pick<FlushAnswer, 'verdicts'>, count: number): string[] {
  const list = Array<string>(count).fill('applied')
  for (const verdict of answer.verdicts) {
    list[verdict.index] = 'rejection' in verdict ? verdict.rejection.code : verdict.kind
  }
  return list
}

test('the corpus is there, and each case has a name of its own', () => {
  expect(corpus.length).toBeGreaterThan(150)
  expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length)
})

test.each(corpus)('over HTTP, $name', async (one) => {
  await using server = await startServer()
  const before = (await server.get(`/models/${HOSTILE}`)).text
  const answer = one.get
    ? await server.get(one.get, one.headers)
    : await server.post(bodyOf(one), { key: HOSTILE, ...(one.headers && { headers: one.headers }) })
  if (one.answer) {
    expect([answer.status, answer.body['code']]).toEqual([one.answer.status, one.answer.code])
    expect(Object.keys(answer.body)).toEqual(['code', 'message', 'retry'])
    expect(answer.body['message']).toContain(one.answer.says ?? '')
    expect(answer.text.length).toBeLessThan(1000)
    expect((await server.get(`/models/${HOSTILE}`)).text).toBe(before)
  } else {
    expect(answer.status).toBe(200)
    const { commands } = JSON.parse(bodyOf(one).toString()) as { commands: Command[] }
    const expected = one.verdicts ?? commands.map(() => one.allVerdicts)
    expect(outcomes(answer.body as unknown as FlushAnswer, commands.length)).toEqual(expected)
    const { text, body } = await server.get(`/models/${HOSTILE}`)
    if (expected.every((outcome) => outcome !== 'applied')) expect(text).toBe(before)
    if (one.document) expect(body['document']).toEqual(one.document)
    if (one.documentText) expect(JSON.stringify(body['document'])).toBe(one.documentText)
  }
  expectCleanPrototypes()
})

const withCommands = corpus.filter(
  (one) => (one.core ?? one.verdicts ?? one.allVerdicts) && commandsText(one) !== undefined,
)

test.each(withCommands)('in core, on both sides, $name', (one) => {
  // As a transport without a parser of its own would hand them over.
  const commands = JSON.parse(commandsText(one)!) as Command[]
  const expected = one.core ?? one.verdicts ?? commands.map(() => one.allVerdicts)
  const createId = createTestIds('id')
  const options = { createId, now: () => 0, digest: () => 'digest', ...HUGE }
  const snapshot = { commandCount: 0, hash: 'genesis', document: START }
  const proxy = new CommandProxy<JsonObject>(snapshot, options)
  const master = new Master(snapshot, options)
  const here = commands.map((command) => proxy.apply(command).rejection?.code ?? 'applied')
  const flush: Flush = { ...GOOD, commands }
  const there = master.apply(flush, { user: undefined, now: 0, seed: '' })
  expect(outcomes(there, commands.length)).toEqual(expected)
  // Both say the same of a command whose node was refused: it is not there.
  const alike = (codes: readonly (string | undefined)[]) =>
    codes.map((code) => (code === 'PARENT_REJECTED' ? 'PATH_NOT_FOUND' : code))
  expect(alike(here)).toEqual(alike(expected))
  expect(JSON.stringify(proxy.read())).toBe(JSON.stringify(master.snapshot().document))
  expect(proxy.commandCount).toBe(master.commandCount)
  expectCleanPrototypes()
})

test('two bodies that parse equal are one flush, however they are written', async () => {
  await using server = await startServer()
  const flush = (commands: string) =>
    `{"protocol":1,"clientId":"eve","sequence":1,"from":0,"hash":"","commands":${commands}}`
  const first = await server.post(flush('[{"action":"update","props":{"x":100,"y":"é","z":0}}]'))
  expect(first.body).toMatchObject({ outcome: 'applied', commandCount: 1 })
  for (const same of [
    ' [ { "action" : "update" , "props" : { "x" : 1e2 , "y" : "\\u00e9" , "z" : 0.0 } } ] ',
    '[{"action":"delete","action":"update","props":{"x":1,"y":"é","z":0,"x":100}}]',
    '[{"action":"update","props":{"x":100,"y":"é","z":-0}}]',
    '[{"action":"update","props":{"x":100,"y":"é","z":1e-400}}]',
  ]) {
    const again = await server.post(flush(same))
    expect([same, again.body['outcome']]).toEqual([same, 'repeated'])
  }
  for (const other of [
    '[{"action":"update","props":{"x":100,"y":"e\\u0301","z":0}}]',
    '[{"action":"update","props":{"y":"é","x":100,"z":0}}]',
    '[{"props":{"x":100,"y":"é","z":0},"action":"update"}]',
    '[{"action":"update","props":{"x":"100","y":"é","z":0}}]',
  ]) {
    const again = await server.post(flush(other))
    expect([other, again.body['code']]).toEqual([other, 'SEQUENCE_REUSED'])
  }
})
