/** What was given on the command line besides the name of the command. */
export interface CliCall {
  readonly values: { readonly [option: string]: string | boolean | undefined }
  readonly positionals: readonly string[]
}

/** One command of the tool. */
export interface CliCommand {
  readonly usage: string
  readonly options: { readonly [name: string]: { readonly type: 'string' | 'boolean' } }
  /** Do it, and give the exit code. Throws a `UsageError` where the call is not as `usage` says. */
  run(call: CliCall): Promise<number>
}

/** The command was called in another way than its usage says. */
export class UsageError extends Error {}

/** Write `text`, and end with `code`. */
export function tell(stream: NodeJS.WriteStream, text: string, code: number): number {
  stream.write(text)
  return code
}
