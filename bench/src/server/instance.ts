// One of several processes that write to one model; `instances.ts` starts it.
import { isFlushoutError } from '@flushout/core'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { InstanceResult, InstanceTask } from './instances.ts'
import { createFlushout, drive, makeDocument, Writer } from './load.ts'

const WARM_UP_MS = 1_500
const ROUND_MS = 5_000
const KEY = 'shared:hot'

const { url, name, writers } = JSON.parse(process.argv[2]!) as InstanceTask
const service = await createFlushout(url, { shared: makeDocument(4_000) })
await service.snapshot(KEY)
const crew = Array.from({ length: writers }, (_, n) => new Writer(`${name}-${n}`))
let busy = 0

/** As a client does: again until it is stored, all of which its user waits for. */
async function flush(writer: number): Promise<void> {
  for (;;) {
    try {
      return await crew[writer]!.flush(service, KEY)
    } catch (error) {
      if (!isFlushoutError(error) || error.code !== 'BUSY') throw error
      busy += 1
      await wait(error.retryAfterMs)
    }
  }
}

process.send!('ready')
await once(process, 'message')
await drive(writers, WARM_UP_MS, flush)
busy = 0
const rate = await drive(writers, ROUND_MS, flush)
process.send!({ ...rate, busy } satisfies InstanceResult)
await service.close()
process.disconnect()
