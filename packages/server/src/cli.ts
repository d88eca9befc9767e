#!/usr/bin/env node
// The command-line tool: `npx flushout verify --url postgres://…`.
import { parseArgs } from 'node:util'
import { tell, UsageError, type CliCommand } from './cli/cli-command.ts'
import { erase } from './cli/erase.ts'
import { exportCommand } from './cli/export.ts'
import { replay } from './cli/replay.ts'
import { verify } from './cli/verify.ts'

const COMMANDS: { readonly [name: string]: CliCommand } = {
  verify,
  export: exportCommand,
  replay,
  erase,
}

const USAGE = `${Object.values(COMMANDS)
  .map(({ usage }) => usage)
  .join('\n')}
Without --url, the database is that of DATABASE_URL.
`

process.exitCode = await main(process.argv.slice(2))

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h') return tell(process.stdout, USAGE, 0)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) return tell(process.stderr, USAGE, 2)
  try {
    return await run(command, args)
  } catch (error) {
    const usage = error instanceof UsageError ? `\n${command.usage}` : ''
    return tell(process.stderr, `${(error as Error).message || String(error)}\n${usage}`, 2)
  }
}

async function run(command: CliCommand, args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...command.options, help: { type: 'boolean', short: 'h' } },
  })
  return values['help']
    ? tell(process.stdout, command.usage, 0)
    : command.run({ values, positionals })
}
