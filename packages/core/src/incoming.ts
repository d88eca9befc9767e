import type { CheckedPull } from './answer.ts'
import type { CheckedCommand } from './check.ts'
import type { Flush } from './protocol.ts'

/**
 * The commands of others that a sync brings to what is confirmed up to a count. Undefined
 * where it brings something else as well: only the flush that `lands` by it may be there,
 * as it was sent.
 */
export function commandsOfOthers(
  { sync }: CheckedPull,
  confirmed: number,
  flight: Flush | undefined,
  lands: boolean,
): readonly CheckedCommand[] | undefined {
  if (sync.kind !== 'updates') return undefined
  const found: CheckedCommand[] = []
  let hasLanded = false
  for (const { from, clientId, sequence, commands, schema } of sync.updates) {
    if (schema !== undefined) return undefined
    const isOwn = flight?.clientId === clientId && flight.sequence === sequence
    if (isOwn !== (commands === undefined)) return undefined
    if (isOwn && (!lands || hasLanded || from < confirmed)) return undefined
    hasLanded ||= isOwn
    if (commands && from >= confirmed) for (const command of commands) found.push(command)
  }
  return hasLanded === lands ? found : undefined
}
