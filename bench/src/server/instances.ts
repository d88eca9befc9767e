import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Rate } from './load.ts'

/** What one process is told to do. */
export interface InstanceTask {
  readonly url: string
  readonly name: string
  readonly writers: number
}

/** What one process measured; `busy` counts flushes that were told to come again. */
export type InstanceResult = Rate & { readonly busy: number }

const MAIN = fileURLToPath(new URL('instance.ts', import.meta.url))

/** Let `writers` work on one model through so many processes, each with a service of its own. */
export async function driveInstances(
  url: string,
  instances: number,
  writers: number,
): Promise<InstanceResult> {
  const processes = Array.from({ length: instances }, (_, index) => {
    const share = Math.floor((writers + index) / instances)
    const task: InstanceTask = { url, name: `instance-${index}`, writers: share }
    return fork(MAIN, [JSON.stringify(task)], { execArgv: ['--conditions=@flushout/source'] })
  })
  try {
    await Promise.all(processes.map((process) => once(process, 'message')))
    // All of them begin together, when the last is ready.
    const results = processes.map(async (process) => {
      process.send('begin')
      return (await once(process, 'message'))[0] as InstanceResult
    })
    const all = await Promise.all(results)
    return {
      perSecond: all.reduce((sum, { perSecond }) => sum + perSecond, 0),
      busy: all.reduce((sum, { busy }) => sum + busy, 0),
      times: all.flatMap(({ times }) => times).sort((a, b) => a - b),
    }
  } finally {
    for (const process of processes) process.kill()
  }
}
