import { copyFile, mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { ClientStorage, StorageKey } from './client-storage.ts'
import { DiskStorage, type Disk } from './disk-storage.ts'
import { lineOf, linesOfRows, readLines } from './file-lines.ts'
import { lockFile } from './file-lock.ts'
import {
  applyChanges,
  listRows,
  type StoredChange,
  type StoredRow,
  type StoredRows,
} from './stored-rows.ts'

/** What `fileStorage` may be told. */
export interface FileStorageOptions {
  /** Of the file, which is made with its folder. It belongs to one process at a time. */
  readonly path: string
}

/**
 * Keep everything in a file, for clients in Node. What `write` resolved with
 * survives a crash of the process and of the machine. `read` and `write` reject
 * with OPTIONS_INVALID while another process has the file.
 */
export function fileStorage({ path }: FileStorageOptions): ClientStorage {
  return new DiskStorage(() => new FileDisk(resolve(path)))
}

// A file is written anew when it is so much longer than it has to be.
const SLACK_BYTES = 1_000_000

class FileDisk implements Disk {
  readonly #path: string
  // One thing at a time.
  #last: Promise<unknown> = Promise.resolve()
  #open: OpenFile | undefined

  constructor(path: string) {
    this.#path = path
  }

  read(prefix: StorageKey): Promise<readonly StoredRow[]> {
    return this.#run((file) => listRows(file.rows, prefix))
  }

  write(changes: readonly StoredChange[]): Promise<void> {
    return this.#run((file) => file.write(changes))
  }

  close(): Promise<void> {
    return this.#next(async () => {
      await this.#open?.close()
      this.#open = undefined
    })
  }

  #run<T>(work: (file: OpenFile) => T | Promise<T>): Promise<T> {
    return this.#next(async () => {
      this.#open ??= await OpenFile.open(this.#path)
      return work(this.#open)
    })
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }
}

/** A file that this process holds, with all its rows in memory. */
class OpenFile {
  readonly #path: string
  readonly #unlock: () => Promise<void>
  readonly rows: StoredRows
  #handle: FileHandle | undefined
  // Of whole lines. What lies behind is of a write that failed.
  #length: number
  #maxLength = 0

  private constructor(path: string, unlock: () => Promise<void>, rows: StoredRows, length: number) {
    this.#path = path
    this.#unlock = unlock
    this.rows = rows
    this.#length = length
  }

  static async open(path: string): Promise<OpenFile> {
    await mkdir(dirname(path), { recursive: true })
    const unlock = await lockFile(path)
    try {
      const bytes = await unlessMissing(readFile(path))
      const found = bytes?.length ? readLines(path, bytes) : undefined
      // The rest is given up only as far as this storage goes.
      if (found?.isDamaged) await copyFile(path, `${path}.damaged`)
      const file = new OpenFile(path, unlock, found?.rows ?? new Map(), found?.length ?? 0)
      file.#wait()
      if (!found) await file.#writeAnew()
      // Of a process that was killed.
      await rm(newPath(path), { force: true })
      return file
    } catch (error) {
      await unlock()
      throw error
    }
  }

  async write(changes: readonly StoredChange[]): Promise<void> {
    const line = Buffer.from(lineOf(changes))
    await this.#append(line)
    applyChanges(this.rows, changes)
    // It is stored, so this may fail, and is then tried again later.
    if (this.#length > this.#maxLength) await this.#writeAnew().catch(() => this.#wait())
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    await this.#unlock()
  }

  async #append(line: Buffer): Promise<void> {
    const handle = await this.#handleOfWhole()
    const at = this.#length
    let written = 0
    while (written < line.length) {
      const { bytesWritten } = await handle.write(line, written, undefined, at + written)
      written += bytesWritten
    }
    await handle.datasync()
    this.#length += line.length
  }

  /** The file, ending with its last whole line. */
  async #handleOfWhole(): Promise<FileHandle> {
    this.#handle ??= await unlessMissing(open(this.#path, 'r+'))
    const { size = 0, nlink = 0 } = (await this.#handle?.stat()) ?? {}
    // Somebody deleted or cut it. Nobody would find what is written there.
    if (!this.#handle || nlink === 0 || size < this.#length) return this.#writeAnew()
    if (size > this.#length) await this.#handle.truncate(this.#length)
    return this.#handle
  }

  /** Put a file in its place that holds the rows and nothing else. */
  async #writeAnew(): Promise<FileHandle> {
    const bytes = linesOfRows(this.rows)
    const next = newPath(this.#path)
    const handle = await open(next, 'w+')
    try {
      await handle.writeFile(bytes)
      await handle.sync()
      await this.#handle?.close()
      this.#handle = undefined
      await rename(next, this.#path)
      await syncFolder(dirname(this.#path))
    } catch (error) {
      await handle.close()
      throw error
    }
    this.#handle = handle
    this.#length = bytes.length
    this.#wait()
    return handle
  }

  #wait(): void {
    this.#maxLength = 2 * this.#length + SLACK_BYTES
  }
}

function newPath(path: string): string {
  return `${path}.new`
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Make sure that a rename survives. Windows neither can nor has to. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
