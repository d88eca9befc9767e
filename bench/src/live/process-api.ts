// What every process of a measurement can tell about itself.
import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { setTimeout as wait } from 'node:timers/promises'

/** What a process takes, after its garbage was collected. */
export interface Memory {
  readonly rss: number
  /** Heap, and what buffers take outside of it. */
  readonly used: number
  readonly heap: number
}

let session: Session | undefined

export const processApi = {
  /** Only in a process that was started with `--expose-gc`. */
  async readMemory(): Promise<Memory> {
    for (let round = 0; round < 3; round += 1) {
      globalThis.gc!()
      // What was collected is given back a little later.
      await wait(100)
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, used: heapUsed + external, heap: heapUsed }
  },

  /** Milliseconds of processor time so far. */
  readCpu(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },

  /** Record which functions take the time, from now on. */
  async startProfile(): Promise<void> {
    session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
  },

  async stopProfile(file: string): Promise<void> {
    const { profile } = await session!.post('Profiler.stop')
    session!.disconnect()
    await writeFile(file, JSON.stringify(profile))
  },
}
