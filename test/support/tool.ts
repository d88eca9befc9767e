import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** How a run of the command-line tool ended. */
export interface ToolRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Run `flushout` with these arguments. */
export function runTool(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<ToolRun> {
  const tool = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))
  const env = { ...process.env, DATABASE_URL: '', ...environment }
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--conditions=@flushout/source', tool, ...args],
      { env, maxBuffer: 64 * 1024 * 1024 },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}
