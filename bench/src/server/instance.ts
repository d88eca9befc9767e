// One of several processes that write to one model; `instances.ts` starts it, and tells it to
// begin each round.
import { isFlushoutError } from '@flushout/core'
import { setTimeout as wait } from 'node:timers/promises'
import { drive } from '../harness/rates.ts'
import type { InstanceRound, InstanceTask } from './instances.ts'
import { createFlushout, makeDocument, Writer } from './load.ts'
import { PlainLoop } from './plain-loop.ts'

const ROUND_MS = 1_500
const DOCUMENT = makeDocument(4_000)

const { url, scheme, key, name, writers } = JSON.parse(process.argv[2]!) as InstanceTask
let busy = 0
const work = scheme === 'Flushout' ? await withFlushout() : withPlainLoop()

process.on('message', async () => {
  busy = 0
  const round = await drive({ name, workers: writers, work }, ROUND_MS)
  process.send!({ ...round, busy } satisfies InstanceRound)
})
// Who started it is gone.
process.on('disconnect', () => process.exit())
process.send!('ready')

async function withFlushout(): Promise<(writer: number) => Promise<void>> {
  const service = await createFlushout(url, { shared: DOCUMENT })
  await service.snapshot(key)
  const crew = Array.from({ length: writers }, (_, n) => new Writer(`${name}-${n}`))
  // As a client does: again until it is stored, all of which its user waits for.
  return async (writer) => {
    for (;;) {
      try {
        return await crew[writer]!.flush(service, key)
      } catch (error) {
        if (!isFlushoutError(error) || error.code !== 'BUSY') throw error
        busy += 1
        await wait(error.retryAfterMs)
      }
    }
  }
}

function withPlainLoop(): (writer: number) => Promise<void> {
  const plain = new PlainLoop(url)
  return (writer) => plain.flush(key, `${name}-${writer}`)
}
