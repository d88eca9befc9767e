#!/usr/bin/env node
// The command-line tool: `npx flushout verify --url postgres://…`.
import { parseArgs } from 'node:util'
import pg from 'pg'
import { verifyDatabase } from './verify/verify-database.ts'

const USAGE = `flushout verify [--url postgres://…] [--schema flushout]

Checks log, hash chain, checkpoints and client rows of all models, and names the first
fault. Only reads; servers may go on. Without --url, the database of DATABASE_URL.
Ends with 0 if nothing is wrong, with 1 at a fault, with 2 where it could not check.
`

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        schema: { type: 'string', default: 'flushout' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const url = values.url ?? process.env['DATABASE_URL']
    if (values.help) return tell(process.stdout, USAGE, 0)
    const isKnown = positionals.length === 1 && positionals[0] === 'verify'
    if (!isKnown || !url || !/^[a-z_][a-z0-9_]{0,40}$/.test(values.schema)) {
      return tell(process.stderr, USAGE, 2)
    }
    return await verify(url, values.schema)
  } catch (error) {
    return tell(process.stderr, `${(error as Error).message || String(error)}\n`, 2)
  }
}

async function verify(url: string, schema: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let checked = 0
    for await (const event of verifyDatabase(client, schema)) {
      if (event.kind === 'fault') {
        clearProgress()
        return tell(process.stderr, `${event.fault}\n`, 1)
      }
      ;({ checked } = event)
      showProgress(event.checked, event.models)
    }
    clearProgress()
    return tell(process.stdout, `${checked} models, nothing wrong.\n`, 0)
  } finally {
    await client.end()
  }
}

/** A bar, where somebody looks. */
function showProgress(checked: number, models: number): void {
  if (!process.stderr.isTTY || (checked % 100 !== 0 && checked !== models)) return
  const done = Math.floor((30 * checked) / models)
  const bar = '█'.repeat(done) + '░'.repeat(30 - done)
  process.stderr.write(`\r${bar} ${checked} of ${models} models`)
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
}

function tell(stream: NodeJS.WriteStream, text: string, code: number): number {
  stream.write(text)
  return code
}
