// The least that a server of live connections can do on Node: it keeps one count for each
// model, checks nothing, stores nothing, and writes each change to all who listen.
import type { AppliedFlush, LiveEvent } from '@flushout/core'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { serveParent } from '../harness/child.ts'
import { readClock } from './clock.ts'
import { processApi } from './process-api.ts'
import type { ServerApi } from './server-main.ts'

interface Model {
  commandCount: number
  readonly readers: ServerResponse[]
}

/** What of a flush is told to the others. */
type Sent = Required<Pick<AppliedFlush, 'clientId' | 'sequence' | 'commands'>>

const models = new Map<string, Model>()

const server = createServer((request, response) => {
  // Who hears of it is the other side, which finds the connection closed.
  answer(request, response).catch(() => response.destroy())
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, , , name, action] = request.url!.split('/')
  if (request.url === '/flushout/live') {
    const { models: wanted } = (await json(request)) as { models: object }
    return follow(Object.keys(wanted)[0]!, response)
  }
  const key = decodeURIComponent(name!)
  const model = modelOf(key)
  if (action === 'flush') apply(key, model, (await json(request)) as Sent)
  const { commandCount } = model
  const outcome = 'applied'
  response.end(JSON.stringify({ outcome, commandCount, hash: hashAt(commandCount), document: {} }))
}

function follow(key: string, response: ServerResponse): void {
  const model = modelOf(key)
  const { commandCount } = model
  const heads = { [key]: { commandCount, hash: hashAt(commandCount) } }
  // Without chunks, so that one buffer serves all.
  response.removeHeader('transfer-encoding')
  response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' })
  response.write(toBytes({ event: 'heads', heads }))
  model.readers.push(response)
}

function apply(key: string, model: Model, { clientId, sequence, commands }: Sent): void {
  const from = model.commandCount
  model.commandCount += 1
  const hash = hashAt(model.commandCount)
  const update: AppliedFlush = { from, clientId, sequence, hash, commands }
  const { commandCount } = model
  const base = hashAt(from)
  const updates = [update]
  const bytes = toBytes({ event: 'updates', key, base, commandCount, hash, updates })
  for (const reader of model.readers) reader.write(bytes)
}

function modelOf(key: string): Model {
  const model = models.get(key) ?? { commandCount: 0, readers: [] }
  models.set(key, model)
  return model
}

/** As long as a real one. */
function hashAt(commandCount: number): string {
  return String(commandCount).padStart(43, '0')
}

function toBytes(event: LiveEvent): Buffer {
  return Buffer.from(`data: ${JSON.stringify(event)}\n\n`)
}

const api: ServerApi = {
  ...processApi,

  async listen(_url, port = 0) {
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return { port: (server.address() as AddressInfo).port, at: readClock() }
  },
}

serveParent(api)
