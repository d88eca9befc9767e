// The load of one contender, in a process of its own.
import { serveParent } from '../harness/child.ts'
import { drive, type Round } from '../harness/rates.ts'
import { HttpLoad } from './http-load.ts'
import { ShareDbLoad } from './sharedb-load.ts'
import type { Task } from './tasks.ts'

let load: HttpLoad | ShareDbLoad
let workers = 0

const api = {
  async open(over: 'http' | 'sharedb', port: number, task: Task): Promise<void> {
    workers = task.connections
    load = await (over === 'http' ? HttpLoad : ShareDbLoad).open(port, task)
  },

  /** Send as fast as it is answered, for a while. */
  async drive(forMs: number): Promise<Round> {
    const work = (worker: number) => load.work(worker)
    return drive({ name: '', workers, work }, forMs, { load: () => readCpu() })
  },

  /** Reject unless what was sent is what is there. */
  check: () => load.check(),
}

/** What the process of a load can be asked for. */
export type LoadApi = typeof api

function readCpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

serveParent(api)
