import { UsageError, type CliCall } from './cli-command.ts'

/** The options of commands that work on a database. */
export const databaseOptions = { url: { type: 'string' }, schema: { type: 'string' } } as const

/** Which database is meant: that of `--url`, or of DATABASE_URL. */
export function readDatabase({ values }: CliCall): { connectionString: string; schema: string } {
  const { url = process.env['DATABASE_URL'], schema = 'flushout' } = values
  if (!url) throw new UsageError('Say which database: --url postgres://…')
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(String(schema))) {
    throw new UsageError(`"${String(schema)}" is not a plain name for a schema.`)
  }
  return { connectionString: String(url), schema: String(schema) }
}
