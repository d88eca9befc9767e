// Malformed requests by the thousand: made by hand and not by fast-check, because
// each costs a journey over a socket already. The same seed gives the same ones.
import { createRandom } from '../../../core/src/random.ts'
import { BROKEN, FIELDS, METHODS, ODD, SCRAPS, SEGMENTS, TYPES, VALUES } from './hostile-words.ts'
import { getRequest, postRequest } from './raw-connection.ts'
import { KEY } from './world.ts'

/** A request as it is sent, and of what kind it is, for the message of a failure. */
export interface HostileRequest {
  readonly kind: string
  readonly bytes: Buffer
  readonly isHead: boolean
}

// Its only command never applies, so that what is accepted by chance changes nothing.
const FLUSH = {
  protocol: 1,
  clientId: 'eve',
  sequence: 1,
  from: 0,
  hash: '',
  commands: [{ action: 'update', path: ['nowhere'], props: { a: 1 } }],
}
const GOOD = JSON.stringify(FLUSH)

/** Makes hostile requests: each call gives another one. */
export function createHostileRequests(seed: string): () => HostileRequest {
  const random = createRandom(seed)
  const below = (count: number) => Math.floor(random() * count)
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  const some = <T>(make: () => T, most: number): T[] =>
    Array.from({ length: below(most + 1) }, make)

  const distorted = () => {
    const fields = [...Object.keys(FLUSH), 'extra', 'userId', 'constructor']
    return JSON.stringify({ ...FLUSH, [pick(fields)]: pick(ODD) })
  }
  const brokenCommand = () => {
    const fields = ['action', 'path', 'id', 'props', 'parentDefault', 'unset', 'extra']
    const command = { ...FLUSH.commands[0], [pick(fields)]: pick(ODD) }
    return JSON.stringify({ ...FLUSH, commands: [...FLUSH.commands, command, pick(ODD)] })
  }
  const scrambled = () => {
    let text = GOOD
    for (let count = 1 + below(4); count > 0; count -= 1) {
      const at = below(text.length)
      text = text.slice(0, at) + pick(SCRAPS) + text.slice(at + below(6))
    }
    return text
  }
  const bytes = () => Buffer.from(some(() => below(256), 300))
  const nested = () => {
    const [open, close] = pick([
      ['[', ']'],
      ['{"a":', '}'],
    ] as const)
    const levels = pick([60, 66, 100, 1000])
    const value = open.repeat(levels) + '1' + close.repeat(pick([levels, levels - 1]))
    return GOOD.replace('"a":1', `"a":${value}`)
  }
  const body = () => pick([distorted, brokenCommand, scrambled, bytes, nested])()
  const path = () => some(() => pick(SEGMENTS), 4).join(pick(['/', '/', ':']))
  const query = () => some(() => `${pick(FIELDS)}=${pick(VALUES)}`, 4).join(pick(['&', '&', ';']))

  const chunked = (text: string | Buffer) => {
    const whole = Buffer.from(text)
    const pieces: Buffer[] = []
    for (let at = 0; at < whole.length;) {
      const piece = whole.subarray(at, at + 1 + below(200))
      const size = random() < 0.97 ? piece.length.toString(16) : pick(['', 'g', '-1', ' '])
      pieces.push(Buffer.from(`${size}\r\n`), piece, Buffer.from('\r\n'))
      at += piece.length
    }
    const head = postRequest(KEY, '', { 'transfer-encoding': 'chunked' }).toString()
    const start = Buffer.from(head.replace('content-length: 0\r\n', ''))
    return Buffer.concat([start, ...pieces, Buffer.from('0\r\n\r\n')])
  }
  const kinds: Record<string, () => Buffer | string> = {
    body: () => postRequest(KEY, body()),
    'body ': () => postRequest(KEY, body()),
    chunks: () => chunked(body()),
    type: () => postRequest(KEY, GOOD, { 'content-type': pick(TYPES) }),
    encoding: () => postRequest(KEY, bytes(), { 'content-encoding': pick(['gzip', 'br', 'x']) }),
    key: () => postRequest(path(), GOOD),
    query: () => getRequest(`/models/${KEY}?${query()}`),
    model: () => getRequest(`/models/${path()}${random() < 0.5 ? '' : `?${query()}`}`),
    route: () => getRequest(`/${path()}`),
    method: () => getRequest(`/models/${KEY}`).replace('GET', pick(METHODS)),
    service: () =>
      getRequest(`/${pick(['healthz', 'readyz', 'openapi.json'])}`).replace('GET', pick(METHODS)),
    head: () => getRequest(`/${path()}`).replace('GET', 'HEAD'),
    header: () =>
      postRequest(KEY, body(), {
        [pick(['accept-version', 'range', 'if-none-match', 'cookie', 'x-http-method-override'])]:
          pick(VALUES).repeat(below(40)),
      }),
    broken: () => `${pick(BROKEN)}\r\n\r\n`,
  }
  return () => {
    const kind = pick(Object.keys(kinds))
    return { kind, bytes: Buffer.from(kinds[kind]!()), isHead: kind === 'head' }
  }
}
