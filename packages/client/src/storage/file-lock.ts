import { FlushoutError } from '@flushout/core'
import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'

/**
 * Take a file for this process alone, by a file beside it that names the process.
 * Resolves with a function that gives it back. Rejects with OPTIONS_INVALID while
 * another process that lives has it; one that was killed no longer does.
 */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  const lock = `${path}.lock`
  const own = `${lock}.${randomUUID()}`
  // Linked when it is complete, so that nobody ever reads half of it.
  await writeFile(own, describe(process.pid))
  try {
    while (!(await isDone(link(own, lock), 'EEXIST'))) {
      const holder = await readFile(lock, 'utf8').catch(() => undefined)
      // Given back meanwhile.
      if (holder === undefined) continue
      if (isAlive(holder)) throw inUse(path, pidOf(holder))
      // Of several that find it left over, one moves it away.
      const aside = `${own}.old`
      if (!(await isDone(rename(lock, aside), 'ENOENT'))) continue
      // Another may have moved it away and put its own there, just before.
      if ((await readFile(aside, 'utf8')) !== holder) await isDone(link(aside, lock), 'EEXIST')
      await rm(aside)
    }
    return () => rm(lock, { force: true })
  } finally {
    await rm(own, { force: true })
  }
}

/** Tell whether it was done; false if it failed with `code`. */
async function isDone(work: Promise<void>, code: string): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false
    throw error
  }
}

/** A process, so that a later one of the same number is another: in containers it is always 1. */
function describe(pid: number): string {
  return `${pid} ${birthOf(pid) ?? ''}`.trim()
}

function pidOf(holder: string): number {
  return Number.parseInt(holder, 10)
}

function isAlive(holder: string): boolean {
  const pid = pidOf(holder)
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // Anything else means that it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return describe(pid) === holder
}

/** When a process began, where the system tells; undefined also for one that only waits to be buried. */
function birthOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name comes second, in parentheses, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : `${boot} ${fields[19]}`
  } catch {
    return undefined
  }
}

function inUse(path: string, pid: number): FlushoutError {
  return new FlushoutError(
    'OPTIONS_INVALID',
    `The file ${path} is used by process ${pid}; give each process a file of its own.`,
  )
}
