import type { FlushAnswer } from '@flushout/core'
import type { Exchanged, LogLine } from './log-line.ts'
import { tellCount } from './words.ts'

/** What an exchange was for. */
export function tellPurpose({ flush }: Exchanged): string {
  if (!flush) return 'Load'
  if (flush.commands.length === 0) return `Ask for news from ${flush.from}`
  return `Flush ${flush.sequence} of ${tellCount(flush.commands.length, 'command')}`
}

/** What came of an exchange. */
export function tellResult({ flush, durationMs, answer, error }: Exchanged): string {
  if (error) return error.code
  if (durationMs === undefined) return 'under way'
  // Nobody has checked it.
  const { verdicts, sync, outcome, commandCount } = Object(answer) as Partial<FlushAnswer>
  if (!flush) return `version ${commandCount}`
  const said = [...tellVerdicts(flush.commands.length, verdicts), ...tellSync(sync)]
  if (outcome === 'repeated') said.unshift('a repeat')
  return said.join(', ') || 'nothing new'
}

/** What the live connection said. */
export function tellNews({ commandCount, updates }: LogLine & { kind: 'heard' }): string {
  if (!Array.isArray(updates)) return `Head at version ${commandCount}`
  return `News up to version ${commandCount}, in ${tellCount(updates.length, 'update')}`
}

/** How the document came to another version. */
export function tellRebase({ from, to, pending, changed }: LogLine & { kind: 'rebased' }): string {
  const what = pending > 0 ? `Rebased ${tellCount(pending, 'pending command')}` : 'Advanced'
  const way = from === to ? `at ${to}` : `from ${from} to ${to}`
  const seen = tellCount(changed.length, 'visible change')
  return `${what} ${way}, ${seen}`
}

function tellVerdicts(commands: number, verdicts: unknown): string[] {
  if (!Array.isArray(verdicts) || commands === 0) return []
  const counts = new Map([['applied', commands - verdicts.length]])
  for (const verdict of verdicts) {
    const kind = String((Object(verdict) as { kind?: unknown }).kind)
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const followUps = verdicts.flatMap(
    (verdict) => (Object(verdict) as { followUps?: readonly unknown[] }).followUps ?? [],
  )
  if (followUps.length > 0) counts.set('by a rule besides', followUps.length)
  return [...counts].flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []))
}

function tellSync(sync: FlushAnswer['sync'] | undefined): string[] {
  if (sync?.kind === 'snapshot') return ['a snapshot']
  return sync?.kind === 'updates' ? [tellCount(sync.updates.length, 'update')] : []
}
