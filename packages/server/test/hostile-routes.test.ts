import { catalogue } from '@flushout/core'
import { expect, test } from 'vitest'
import { createHostileRequests, type HostileRequest } from './support/hostile-requests.ts'
import { TestServer } from './support/http.ts'
import { RawConnection, type RawAnswer } from './support/raw-connection.ts'
import { KEY } from './support/world.ts'

const REFUSED = 20_000
const CONNECTIONS = 24
// Nothing of this may be told to strangers.
const INTERNALS = /\bat [^"]*:\d+:\d+|node_modules|\.ts\b|\.js\b|Error:|FST_|HPE_|ERR_|undefined/

test(
  '20,000 malformed requests to every route: 4xx in the form of all errors, and the model as it was',
  { timeout: 120_000 },
  async () => {
    const errors: unknown[] = []
    await using server = await TestServer.start({
      log: { error: (details) => errors.push(details), info() {}, debug() {} },
    })
    const before = (await server.get(`/models/${KEY}`)).text
    const make = createHostileRequests('routes')
    const seen = { refused: 0, accepted: 0, closed: 0 }
    const statuses = new Set<number>()
    const talk = async () => {
      let connection = await RawConnection.open(server.address)
      while (seen.refused < REFUSED) {
        const request = make()
        connection.send(request.bytes)
        const answer = await orHang(connection.answer(request.isHead), request)
        if (answer) {
          checkAnswer(request, answer)
          statuses.add(answer.status)
          seen[answer.status < 400 ? 'accepted' : 'refused'] += 1
        } else seen.closed += 1
        if (!answer || answer.headers['connection'] === 'close') {
          connection[Symbol.dispose]()
          connection = await RawConnection.open(server.address)
        }
      }
      connection[Symbol.dispose]()
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, talk))

    expect(errors).toEqual([])
    expect((await server.get(`/models/${KEY}`)).text).toBe(before)
    expect((await server.get('/readyz')).status).toBe(200)
    expect(Object.keys(Object.prototype)).toEqual([])
    // The fuzz is worth something only if it goes everywhere.
    expect(statuses).toEqual(new Set([200, 400, 401, 404, 409, 426, 431]))
    expect(seen.accepted).toBeLessThan(REFUSED / 4)
    expect(seen.closed).toBeLessThan(REFUSED / 20)
  },
)

function checkAnswer({ kind, bytes, isHead }: HostileRequest, answer: RawAnswer): void {
  const { status, text } = answer
  const what = `${kind}: ${bytes.toString('latin1').slice(0, 2000)}\n→ ${status} ${text}`
  if (status >= 500 || status < 200) expect.fail(what)
  if (status < 400 || isHead) return
  const { code, message, retry, ...others } = JSON.parse(text) as Record<string, unknown>
  const isKnown = typeof code === 'string' && Object.hasOwn(catalogue, code)
  const isShort = typeof message === 'string' && message.length < 500
  if (!isKnown || !isShort || typeof retry !== 'string' || Object.keys(others).length > 0) {
    expect.fail(what)
  }
  if (INTERNALS.test(text)) expect.fail(what)
}

/** A request that is never answered must be seen as such, and not as a test that takes long. */
async function orHang<Result>(answer: Promise<Result>, request: HostileRequest): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const hang = new Promise<never>((_, reject) => {
    const fail = () =>
      reject(new Error(`No answer to ${request.kind}: ${request.bytes.toString()}`))
    timer = setTimeout(fail, 15_000)
  })
  try {
    return await Promise.race([answer, hang])
  } finally {
    clearTimeout(timer)
  }
}
