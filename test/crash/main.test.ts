import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { until } from '../support/until.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

test('Ctrl-C ends a run at any moment, and leaves nothing behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flushout-main-'))
  const args = ['--conditions=@flushout/source', MAIN, '--cycles', '100', '--seed', '1']
  const { NODE_OPTIONS: _, ...env } = process.env
  // A group of its own, as a terminal makes one: Ctrl-C reaches the servers too.
  const options = { env: { ...env, TMPDIR: folder }, detached: true }
  const run = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'ignore'] })
  const exit = once(run, 'exit')
  let output = ''
  let postmaster: number | undefined
  run.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  try {
    await until('a cycle is over', () => output.includes(' 1/100'))
    postmaster = await readPostmaster(folder)
    process.kill(-run.pid!, 'SIGINT')
    expect(await exit).toEqual([130, null])
    expect(await readdir(folder)).toEqual([])
    await until('Postgres has ended', () => !isAlive(postmaster))
    // Nobody of its group is left.
    expect(() => process.kill(-run.pid!, 0)).toThrow('ESRCH')
  } finally {
    if (run.exitCode === null) process.kill(-run.pid!, 'SIGKILL')
    if (isAlive(postmaster)) process.kill(postmaster!, 'SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}, 120_000)

async function readPostmaster(folder: string): Promise<number> {
  const [data = ''] = await readdir(folder)
  const file = join(folder, data, 'postgres', 'postmaster.pid')
  // Not there while it is being started again.
  const text = await until('Postgres runs', () => readFile(file, 'utf8').catch(() => ''))
  return Number(text.split('\n')[0])
}

function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0)
  } catch {
    return false
  }
}
