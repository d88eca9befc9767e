// A process of its own that writes on and on, and tells what was resolved, until
// it is killed.
import { fileStorage } from '@flushout/client/node'
import { writeSync } from 'node:fs'

const [, , path = '', from = '0'] = process.argv
const storage = fileStorage({ path })
let next = Number(from)

async function write(): Promise<void> {
  for (;;) {
    const n = next
    next += 1
    const text = 'x'.repeat((n * 977) % 30_000)
    await storage.write([
      { put: ['a', n], value: text },
      { put: ['b', n], value: text },
      // Few rows in many lines, so that the file is written anew now and then.
      { deleteAll: ['a', n - 40] },
      { deleteAll: ['b', n - 40] },
    ])
    // At once, and not when the event loop comes to it.
    writeSync(1, `${n}\n`)
  }
}

await Promise.all([write(), write(), write()])
