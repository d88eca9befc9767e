import type { Chronicle } from './chronicle.ts'
import { markIn } from './estate.ts'
import type { Edit } from './ledger.ts'
import type { Profile } from './profile.ts'
import { Violation } from './violation.ts'

/** What is kept for good: documents, and what was refused until somebody has seen it. */
const LASTING: ReadonlySet<unknown> = new Set(['document', 'record', 'lost', 'step'])

/** What should not be on a disk any more when all is done, in words. */
export function leftOnDisk({ name, drive }: Profile): string[] {
  return drive.rows.flatMap(({ key }) =>
    LASTING.has(key[2]) ? [] : `${key.slice(1).join(' ')} on the disk of ${name}`,
  )
}

/** What was stored once has taken effect, or is told in an inbox that lasts. */
export function auditProfiles(profiles: readonly Profile[], chronicle: Chronicle): void {
  const told = new Set<string | undefined>()
  for (const { drive } of profiles) {
    for (const { key, text } of drive.rows) if (key[2] === 'lost') told.add(markIn(text))
  }
  const happened = new Set<string>()
  for (const key of chronicle.keys) {
    for (const { commands } of chronicle.annals(key)!.entries) {
      for (const command of commands) happened.add(markIn(JSON.stringify(command)) ?? '')
    }
  }
  for (const { estate, name } of profiles) {
    for (const edit of estate.edits.values()) {
      const { mark, isStored, isForgotten, receipt } = edit
      // Whose page lived until it was answered: `auditEdits` looks at that.
      if (!isStored || isForgotten || receipt.outcome) continue
      if (happened.has(mark) || told.has(mark) || isCut(edit, chronicle)) continue
      throw new Violation('kept', `${mark} was stored on the disk of ${name}, and is nowhere`)
    }
  }
}

/** What was given on top of the unsent edit of another tab came after it. */
export function auditBuilt(profiles: readonly Profile[], chronicle: Chronicle): void {
  const places = new Map<string, number>()
  for (const key of chronicle.keys) {
    // What was lost with another history comes again in whatever order.
    if (chronicle.rewrites(key) > 0) continue
    for (const { from, commands } of chronicle.annals(key)!.entries) {
      commands.forEach((command, index) => {
        const mark = markIn(JSON.stringify(command))
        if (mark !== undefined) places.set(mark, from + index)
      })
    }
  }
  for (const { estate } of profiles) {
    if (estate.isBranched) continue
    for (const { mark, after } of estate.edits.values()) {
      const place = places.get(mark)
      const before = places.get(after ?? '')
      if (place === undefined || before === undefined || before < place) continue
      throw new Violation('built', `${mark} was given on ${after}, and took effect before it`)
    }
  }
}

/** Whether it was history once, and may be so no more. */
function isCut({ flushes }: Edit, chronicle: Chronicle): boolean {
  return chronicle.keys.some((key) => flushes.some((flush) => chronicle.mayBeCut(key, flush)))
}
