import { isFlushoutError } from '@flushout/core'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { readLines } from '../replay/read-lines.ts'
import { replayLines, type ReplayOptions } from '../replay/replay.ts'
import { tell, UsageError, type CliCall, type CliCommand } from './cli-command.ts'
import { Progress } from './progress.ts'

export const replay: CliCommand = {
  usage: `flushout replay file.jsonl [--at count] [--hash hash] [--check]

  Replays what \`flushout export\` wrote, checks all of it, and prints the document at the end or
  at a count, or with --check nothing. Names the first line at which something was changed,
  left out, put in or put elsewhere; with --hash also where a whole history was made anew.
  Ends with 0 if nothing is wrong, with 1 at a fault, with 2 where it could not look.
`,
  options: { at: { type: 'string' }, hash: { type: 'string' }, check: { type: 'boolean' } },
  async run(call) {
    const [file, ...others] = call.positionals
    if (file === undefined || others.length > 0) throw new UsageError('Name one file.')
    const progress = new Progress('bytes')
    try {
      const lines = readLines(readFile(file, (await stat(file)).size, progress))
      const { key, document, commandCount, entries, erased } = await replayLines(
        lines,
        toOptions(call),
      )
      progress.clear()
      if (!call.values['check']) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
      const gone = erased > 0 ? `, ${erased} of them with erased contents` : ''
      const told = `${key} at ${commandCount}: ${entries} flushes${gone}, nothing wrong.\n`
      return tell(process.stderr, told, 0)
    } catch (error) {
      progress.clear()
      if (!isFlushoutError(error)) throw error
      return tell(process.stderr, `${file}: ${error.message}\n`, 1)
    }
  },
}

function toOptions({ values }: CliCall): ReplayOptions {
  const { at, hash } = values
  if (at !== undefined && !/^\d{1,15}$/.test(String(at))) {
    throw new UsageError('--at takes a count of commands.')
  }
  return {
    ...(at !== undefined && { at: Number(at) }),
    ...(hash !== undefined && { hash: String(hash) }),
  }
}

async function* readFile(file: string, size: number, progress: Progress): AsyncGenerator<string> {
  const stream = createReadStream(file, 'utf8')
  for await (const piece of stream as AsyncIterable<string>) {
    yield piece
    progress.show(stream.bytesRead, size)
  }
}
