import {
  FlushoutError,
  isPath,
  type GivenCommand,
  type Path,
  type Rejection,
  type User,
} from '@flushout/core'
import type { Environment } from './environment.ts'

/** What a check may know besides the commands. */
export interface CheckContext<U extends User = User> {
  /** Of the model. */
  readonly key: string
  /** Who sends them; undefined where nobody is logged in. */
  readonly user: U | undefined
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** Why one of the commands is refused. */
export interface Objection {
  /** Which command it is. */
  readonly index: number
  /** For its author to read. */
  readonly message: string
  /** Default REJECTED. */
  readonly code?: string
  /** Where the fault is; where the command is given if left out. */
  readonly at?: Path
}

/**
 * Looks at the commands of a flush before they are applied, as their author sent them, with
 * whatever takes time: a database, a network. Gives objections to some of them; the others go
 * on. It may be asked again about the same flush, and what it found may be old by the time
 * at which they apply. Throwing counts as "cannot tell now": the client tries again later.
 */
export type Check<U extends User = User> = {
  // Taken from a method, so that a function over the application's own kind of user fits.
  check(
    commands: readonly GivenCommand[],
    context: CheckContext<U>,
  ): Promise<readonly Objection[] | void> | readonly Objection[] | void
}['check']

/** What is checked, and for how long. */
export interface Checked<U extends User> extends Omit<CheckContext<U>, 'signal'> {
  readonly commands: readonly GivenCommand[]
  /** 0 waits for ever. */
  readonly checkMs: number
  readonly environment: Environment
}

/** Ask `check`, within bounds. Throws UNAVAILABLE where there is no answer that can be used. */
export async function checkCommands<U extends User>(
  check: Check<U>,
  { commands, checkMs, environment, ...context }: Checked<U>,
): Promise<ReadonlyMap<number, Rejection>> {
  const abort = new AbortController()
  const stop =
    checkMs === 0
      ? () => {}
      : environment.setTimer(() => abort.abort(new Error(`No answer in ${checkMs} ms.`)), checkMs)
  try {
    const late = new Promise<never>((_resolve, reject) => {
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason as Error))
    })
    const asked = (async () => check(commands, { ...context, signal: abort.signal }))()
    return toRejections(await Promise.race([asked, late]), commands)
  } catch (cause) {
    throw new FlushoutError('UNAVAILABLE', 'The commands cannot be checked now.', { cause })
  } finally {
    stop()
  }
}

function toRejections(
  objections: readonly Objection[] | void,
  commands: readonly GivenCommand[],
): ReadonlyMap<number, Rejection> {
  const rejections = new Map<number, Rejection>()
  for (const { index, message, code = 'REJECTED', at } of objections ?? []) {
    const command = commands[index]
    const isRight = typeof message === 'string' && typeof code === 'string'
    if (!command || !isRight || (at !== undefined && !isPath(at))) {
      throw new TypeError('An objection has the index of a command and a message.')
    }
    rejections.set(index, { code, message, at: at ?? placeOf(command) })
  }
  return rejections
}

function placeOf(command: GivenCommand): Path {
  const { path = [] } = command
  return command.action === 'create' && command.id !== undefined ? [...path, command.id] : path
}
