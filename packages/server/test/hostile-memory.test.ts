// What somebody can make a server keep in memory: hostile clients in this process,
// the server in another, which says what it takes after its garbage was collected.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request as sendRequest } from 'node:http'
import { fileURLToPath } from 'node:url'
import { PROTOCOL } from '@flushout/core'
import type { FlushoutService } from '@flushout/server'
import { expect, inject, test } from 'vitest'
import { createDatabase } from '../../../test/support/postgres.ts'
import { postRequest, RawConnection } from './support/raw-connection.ts'

const MB = 1024 * 1024
const CACHE_BYTES = 1 * MB
// Thirty bytes for each character that is accounted for, see `limits.cacheBytes`,
// and room for what V8 keeps: compiled code, pools, buffers of connections.
const GROWTH = 30 * CACHE_BYTES + 10 * MB

interface Report {
  readonly heapBytes: number
  readonly usage: FlushoutService['usage']
}

async function startMeasuredServer(connectionString: string) {
  const limits = { cacheBytes: CACHE_BYTES, trafficBytes: 8 * MB, historyBytes: 64 * 1024 }
  const script = fileURLToPath(new URL('support/measured-server.ts', import.meta.url))
  const child = fork(script, [connectionString, JSON.stringify(limits)], {
    execArgv: ['--expose-gc', '--conditions=@flushout/source'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exit = once(child, 'exit')
  const [address] = (await once(child, 'message')) as [string]
  const agent = new Agent({ keepAlive: true, maxSockets: 40 })
  return {
    address,
    report: async (): Promise<Report> => {
      child.send('report')
      return ((await once(child, 'message')) as [Report])[0]
    },
    /** The status of the answer, which is read to its end. */
    send: (method: 'GET' | 'POST', path: string, body?: string): Promise<number> => {
      const headers = { 'content-type': 'application/json' }
      return new Promise((resolve, reject) => {
        const url = `${address}/flushout/models/${path}`
        const request = sendRequest(url, { method, agent, headers }, (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode!))
        })
        request.on('error', reject)
        request.end(body)
      })
    },
    async [Symbol.asyncDispose](): Promise<void> {
      agent.destroy()
      child.kill('SIGKILL')
      await exit
    },
  }
}

type MeasuredServer = Awaited<ReturnType<typeof startMeasuredServer>>

function flush(clientId: string, sequence: number, commands: string): string {
  const head = { protocol: PROTOCOL, clientId, sequence, from: 0, hash: '' }
  return `${JSON.stringify(head).slice(0, -1)},"commands":${commands}}`
}

/** Send so many requests, all at once as far as connections allow; gives the statuses seen. */
async function flood(
  count: number,
  send: (index: number) => Promise<number>,
): Promise<Set<number>> {
  return new Set(await Promise.all(Array.from({ length: count }, (_, index) => send(index))))
}

const ATTACKS: Record<string, (server: MeasuredServer) => Promise<void>> = {
  'models that come into being as they are asked for': async ({ send }) => {
    expect(await flood(3000, (index) => send('GET', `todos:${index}`))).toEqual(new Set([200]))
  },
  'names of models that there are not': async ({ send }) => {
    const name = 'x'.repeat(200)
    const seen = await flood(3000, (index) => send('GET', `lists:${name}${index}`))
    expect(seen).toEqual(new Set([404]))
  },
  'documents that are small as text and large as objects': async ({ send }) => {
    const commands = `[{"action":"update","props":{"x":[${'{},'.repeat(80_000)}{}]}}]`
    const seen = await flood(24, (index) =>
      send('POST', `todos:${index}/flush`, flush('a', 1, commands)),
    )
    expect(seen).toEqual(new Set([200]))
  },
  'clients, each heard of once, each with a long list of refusals': async ({ send }) => {
    const commands = `[${'{"action":"x"},'.repeat(40)}{"action":"update","props":{"x":1}}]`
    const seen = await flood(900, (index) =>
      send('POST', 'todos:many/flush', flush(`client-${index}`, 1, commands)),
    )
    expect(seen).toEqual(new Set([200]))
  },
  'a long history, and readers from far back': async ({ send }) => {
    const commands = `[{"action":"update","props":{"x":"${'x'.repeat(5000)}"}}]`
    for (let round = 0; round < 8; round += 1) {
      await flood(50, (index) =>
        send('POST', 'todos:long/flush', flush(`client-${round}-${index}`, 1, commands)),
      )
      const seen = await flood(50, (index) => send('GET', `todos:long?from=${index}&hash=forged`))
      expect([...seen].every((status) => status === 200 || status === 409)).toBe(true)
    }
  },
  'large bodies of which nothing is right': async ({ send }) => {
    const bodies = [
      flush('a', 1, `[{"action":"update","props":{"x":[${'[],'.repeat(80_000)}[]],"y":}}]`),
      flush(
        'a',
        1,
        `[{"action":"update","props":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}]`,
      ),
      flush('a', 0, `[${'{"action":"x"},'.repeat(499)}{"action":"x"}]`),
      `[${'{},'.repeat(80_000)}{}]`,
      `"${'x'.repeat(262_000)}"`,
      'x'.repeat(300_000),
    ]
    const seen = await flood(300, (index) =>
      send('POST', 'todos:a/flush', bodies[index % bodies.length]),
    )
    expect([...seen].every((status) => [400, 413].includes(status))).toBe(true)
  },
  'bodies that never end': async ({ address, report }) => {
    const before = (await report()).heapBytes
    const half = postRequest('todos:a', flush('a', 1, `["${'x'.repeat(200_000)}"]`)).subarray(0, -9)
    const slow = await Promise.all(Array.from({ length: 150 }, () => RawConnection.open(address)))
    for (const connection of slow) connection.send(half)
    // Who found no room for its body was told so; the others are still waited for.
    const refused = await Promise.all(slow.slice(-50).map((connection) => connection.answer()))
    expect(refused.map((answer) => answer?.status)).toEqual(refused.map(() => 503))
    // Those that are waited for, 8 MB, and what the connections take.
    expect((await report()).heapBytes - before).toBeLessThan(16 * MB)
    for (const connection of slow) connection[Symbol.dispose]()
  },
}

test(
  'whatever is sent to it, a server takes a bounded amount of memory',
  { timeout: 120_000 },
  async () => {
    const database = await createDatabase(inject('postgresUrl'))
    try {
      await using server = await startMeasuredServer(database.url)
      const base = (await server.report()).heapBytes
      for (const [name, attack] of Object.entries(ATTACKS)) {
        await attack(server)
        const { heapBytes, usage } = await server.report()
        expect(usage.bytes, name).toBeLessThan(2 * CACHE_BYTES)
        expect(heapBytes - base, name).toBeLessThan(GROWTH)
      }
      // It is in good health all the same.
      expect(await server.send('GET', 'todos:1')).toBe(200)
    } finally {
      await database.drop()
    }
  },
)
