import type { ClientStorage, StorageRow } from '@flushout/client'
import { fileStorage } from '@flushout/client/node'
import { storageContract } from '@flushout/client/testing'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test as base } from 'vitest'

const WRITER = fileURLToPath(new URL('support/file-writer.ts', import.meta.url))

interface Files {
  /** Of a file in a folder that does not yet exist. */
  readonly path: string
  /** Open the file. */
  readonly open: () => ClientStorage
  /** Start a process that writes to the file. */
  readonly start: (from: number) => ReturnType<typeof startWriter>
}

const test = base.extend<Files>({
  // oxlint-disable-next-line no-empty-pattern -- the first argument has to be a pattern
  path: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'flushout-storage-'))
    await use(join(folder, 'app', 'rows'))
    rmSync(folder, { recursive: true })
  },
  open: async ({ path }, use) => {
    const opened: ClientStorage[] = []
    await use(() => {
      const storage = fileStorage({ path })
      opened.push(storage)
      return storage
    })
    for (const storage of opened) await storage.close()
  },
  start: async ({ path }, use) => {
    const writers: ReturnType<typeof startWriter>[] = []
    await use((from) => {
      const writer = startWriter(path, from)
      writers.push(writer)
      return writer
    })
    for (const writer of writers) await writer.kill()
  },
})

describe('fileStorage', () => {
  storageContract(base, () => {
    const folder = mkdtempSync(join(tmpdir(), 'flushout-storage-'))
    const path = join(folder, 'rows')
    return {
      storage: fileStorage({ path }),
      reopen: () => fileStorage({ path }),
      close: () => rmSync(folder, { recursive: true }),
    }
  })
})

test('a process that is killed leaves what was resolved, and nothing half', async ({
  path,
  open,
  start,
}) => {
  let next = 0
  for (let round = 0; round < 6; round += 1) {
    const writer = start(next)
    await writer.hasResolved(20 + 37 * round)
    const resolved = await writer.kill()
    const storage = open()
    const first = numbersOf(await storage.read(['a']))
    expect(numbersOf(await storage.read(['b'])), 'the second rows of the writes').toEqual(first)
    const last = Math.max(...resolved)
    const lost = resolved.filter((n) => n > last - 30 && !first.includes(n))
    expect(lost, 'what was resolved and is not there').toEqual([])
    expect(storage.isDurable).toBe(true)
    await storage.close()
    next = Math.max(...first) + 1
  }
  expect(filesBeside(path)).toEqual(['rows'])
})

test('wherever a file ends, the writes before are there as a whole', async ({ path, open }) => {
  const storage = open()
  const ends: number[] = []
  await storage.read([])
  ends.push(statSync(path).size)
  for (const n of [1, 2, 3]) {
    await storage.write([
      { put: ['a', n], value: 'ä' },
      { put: ['b'], value: n },
    ])
    ends.push(statSync(path).size)
  }
  await storage.close()
  const bytes = readFileSync(path)
  for (let length = ends[0]!; length <= bytes.length; length += 1) {
    writeFileSync(path, bytes.subarray(0, length))
    const cut = open()
    const whole = ends.findLastIndex((end) => end <= length)
    const rows = [1, 2, 3].slice(0, whole).map((n) => ({ key: ['a', n], value: 'ä' }))
    expect(await cut.read(['a']), `cut at ${length}`).toEqual(rows)
    expect(await cut.read(['b']), `cut at ${length}`).toMatchObject(whole ? [{ value: whole }] : [])
    await cut.write([{ put: ['c'], value: 1 }])
    await cut.close()
    const again = open()
    expect(await again.read(['a']), `cut at ${length}`).toEqual(rows)
    expect(await again.read(['c']), `cut at ${length}`).toHaveLength(1)
    await again.close()
  }
  expect(filesBeside(path)).toEqual(['rows'])
})

test('a file that was damaged in the middle is kept aside', async ({ path, open }) => {
  const storage = open()
  for (const n of [1, 2, 3]) await storage.write([{ put: ['n', n], value: 'good' }])
  await storage.close()
  const bytes = readFileSync(path)
  bytes[bytes.lastIndexOf('good', bytes.lastIndexOf('good') - 1)] = 0x21
  writeFileSync(path, bytes)
  const again = open()
  expect(await again.read([])).toEqual([{ key: ['n', 1], value: 'good' }])
  await again.close()
  expect(readFileSync(`${path}.damaged`)).toEqual(bytes)
})

test('a file that is something else is refused, and stays as it is', async ({ path, open }) => {
  mkdirSync(dirname(path))
  writeFileSync(path, 'precious')
  const storage = open()
  await expect(storage.read([])).rejects.toMatchObject({ code: 'OPTIONS_INVALID' })
  await expect(storage.write([])).rejects.toMatchObject({ code: 'OPTIONS_INVALID' })
  await storage.close()
  expect(readFileSync(path, 'utf8')).toBe('precious')
  expect(filesBeside(path)).toEqual(['rows'])
})

test('a file belongs to one storage at a time', async ({ path, open }) => {
  const first = open()
  await first.write([{ put: ['a'], value: 1 }])
  const second = open()
  const message = `The file ${path} is used by process ${process.pid}; give each process a file of its own.`
  await expect(second.read([])).rejects.toMatchObject({ code: 'OPTIONS_INVALID', message })
  await expect(second.write([{ put: ['b'], value: 1 }])).rejects.toMatchObject({ message })
  await first.close()
  expect(await second.read([])).toEqual([{ key: ['a'], value: 1 }])
  await second.close()
})

test('a file belongs to one process at a time, until it ends', async ({ open, start }) => {
  const writer = start(0)
  await writer.hasResolved(1)
  const storage = open()
  await expect(storage.read([])).rejects.toThrow(`is used by process ${writer.pid};`)
  await writer.kill()
  expect(await storage.read([])).not.toEqual([])
  await storage.close()
})

test('a lock of an earlier process with a number that is in use again is left over', async ({
  path,
  open,
}) => {
  mkdirSync(dirname(path))
  writeFileSync(`${path}.lock`, `${process.pid} of an earlier day`)
  const storage = open()
  expect(await storage.read([])).toEqual([])
  await storage.close()
  expect(filesBeside(path)).toEqual(['rows'])
})

test('of many who find a lock left over, one gets the file', async ({ path, start }) => {
  mkdirSync(dirname(path))
  writeFileSync(`${path}.lock`, '1 of an earlier day')
  const writers = Array.from({ length: 4 }, (_, n) => start(1000 * n))
  const ends = await Promise.race([
    Promise.all(writers.map(({ hasFailed }) => hasFailed)).then(() => 'all failed'),
    Promise.any(
      writers.map(async (writer) => {
        await writer.hasResolved(50)
        return 'one writes'
      }),
    ),
  ])
  expect(ends).toBe('one writes')
  const counts = await Promise.all(writers.map((writer) => writer.kill()))
  expect(counts.filter((resolved) => resolved.length > 0)).toHaveLength(1)
})

test('a file that was deleted is written anew with everything', async ({ path, open }) => {
  const storage = open()
  await storage.write([{ put: ['before'], value: 1 }])
  rmSync(path)
  await storage.write([{ put: ['after'], value: 1 }])
  await storage.close()
  const again = open()
  expect(await again.read([])).toHaveLength(2)
  await again.close()
})

test('what cannot be stored is kept in memory, and stored when it can be', async ({
  path,
  open,
}) => {
  const storage = open()
  await storage.write([{ put: ['before'], value: 1 }])
  rmSync(path)
  mkdirSync(path)
  await storage.write([{ put: ['meanwhile'], value: 1 }])
  expect(storage.isDurable).toBe(false)
  expect(await storage.read([])).toHaveLength(2)
  rmSync(path, { recursive: true })
  await storage.write([{ put: ['after'], value: 1 }])
  expect(storage.isDurable).toBe(true)
  await storage.close()
  const again = open()
  expect(await again.read([])).toHaveLength(3)
  await again.close()
})

test('what a failed write left at the end is cut off', async ({ path, open }) => {
  const storage = open()
  await storage.write([{ put: ['a', 1], value: 1 }])
  appendFileSync(path, `12345678 [{"put":["a",3],"value":"${'x'.repeat(1000)}`)
  await storage.write([{ put: ['a', 2], value: 1 }])
  expect(readFileSync(path, 'utf8').endsWith('"value":1}]\n')).toBe(true)
  await storage.close()
  const again = open()
  expect(await again.read([])).toHaveLength(2)
  await again.close()
})

test('a file stays short, however often its rows change', async ({ path, open }) => {
  const storage = open()
  const value = 'x'.repeat(100_000)
  for (let n = 0; n < 100; n += 1) await storage.write([{ put: ['a', n % 3], value }])
  expect(statSync(path).size).toBeLessThan(2_000_000)
  await storage.close()
  const again = open()
  expect(await again.read([])).toHaveLength(3)
  await again.close()
})

function filesBeside(path: string): string[] {
  return readdirSync(dirname(path))
}

function numbersOf(rows: readonly StorageRow[]): number[] {
  return rows.map(({ key }) => key[1] as number)
}

/** Start a process that writes the numbers from `from` on, and ends only when it is killed. */
function startWriter(path: string, from: number) {
  const args = ['--conditions=@flushout/source', WRITER, path, String(from)]
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  let failure = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (failure += chunk.toString()))
  const end = once(child, 'close')
  const resolved = () => printed.split('\n').slice(0, -1).map(Number)
  return {
    pid: child.pid,
    hasFailed: end.then(() => failure),
    async hasResolved(count: number): Promise<void> {
      while (resolved().length < count) {
        await Promise.race([once(child.stdout, 'data'), end])
        if (child.exitCode !== null || child.signalCode)
          throw new Error(`The writer ended: ${failure}`)
      }
    },
    /** Kill it as a power cut would, and tell what it had resolved. */
    async kill(): Promise<number[]> {
      child.kill('SIGKILL')
      await end
      return resolved()
    },
  }
}
