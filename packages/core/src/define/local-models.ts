import type { GivenCommand } from '../command.ts'
import type { JsonObject } from '../json.ts'
import type { Flush, Snapshot } from '../protocol.ts'
import type { CommandProxy } from '../proxy.ts'

/** How models work that no server knows. */
export interface LocalModels {
  /** What the model `key` begins with. */
  readonly begin: (key: string) => Snapshot
  /** Be the master of `proxy`: what was given counts as it shows. */
  readonly confirm: (proxy: LocalProxy) => void
}

type LocalProxy = Pick<CommandProxy<object>, 'beginFlush' | 'endFlush' | 'failFlush' | 'pending'>

/** Of a past that nobody else has. */
const HASH = 'local'

/** Make a kind of models without a server out of what its documents begin as. */
export function localModels(
  initial: (key: string) => JsonObject,
  schema: number | undefined,
): LocalModels {
  return {
    begin: (key) => ({
      commandCount: 0,
      hash: HASH,
      document: initial(key),
      ...(schema !== undefined && { schema }),
    }),
    confirm(proxy) {
      const flush = proxy.beginFlush()
      if (!flush || proxy.endFlush(answerTo(flush, proxy)).ok) return
      const message = 'It cannot be applied.'
      proxy.failFlush({ code: 'COMMAND_INVALID', message, retry: 'never' })
    },
  }
}

function answerTo(flush: Flush, { pending }: LocalProxy): object {
  const { clientId, sequence, from, commands } = flush
  const verdicts = commands.flatMap((given, index) => {
    const { command, followUps } = pending.commands[index]!
    if (!isSame(given, command)) return { index, kind: 'amended', command, followUps }
    return followUps ? { index, kind: 'applied', followUps } : []
  })
  const led = commands.flatMap((_, index) => pending.commands[index]!.followUps ?? [])
  // A named command is nothing but what it made.
  const own = commands.filter(({ action }) => action !== 'run')
  return {
    clientId,
    sequence,
    outcome: 'applied',
    commandCount: from + own.length + led.length,
    hash: HASH,
    verdicts,
    remaps: [],
    sync: { kind: 'none' },
  }
}

/** What rules did not change is the same for all that is in a flush. */
function isSame(given: GivenCommand, shown: GivenCommand): boolean {
  return given === shown || JSON.stringify(given) === JSON.stringify(shown)
}
