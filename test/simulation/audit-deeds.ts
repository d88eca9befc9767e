import {
  endOf,
  Master,
  touches,
  type Expects,
  type JsonObject,
  type LogEntry,
  type Path,
} from '@flushout/core'
import { isDeepStrictEqual } from 'node:util'
import type { Chronicle } from './chronicle.ts'
import type { Deeds, Group } from './deeds.ts'
import { markOf } from './ledger.ts'
import { Violation } from './violation.ts'

/** Compare what people gave with conditions, as one, or by a name with what is in the history. */
export function auditDeeds(deeds: Deeds, chronicle: Chronicle): void {
  const groups = new Map(
    deeds.groups.flatMap((group) => group.marks.map((mark) => [mark, group] as const)),
  )
  for (const key of chronicle.keys) {
    for (const entry of chronicle.annals(key)!.entries) {
      const marks = entry.commands.map((command) => markOf(command) ?? '')
      for (const group of new Set(marks.map((mark) => groups.get(mark)))) {
        if (group) auditWhole(group, entry, marks)
      }
      marks.forEach((mark, index) => auditNames(mark, entry, index, deeds))
    }
    auditClaims(key, deeds, chronicle)
  }
  for (const group of deeds.groups) auditTold(group)
}

/** A group is in one entry as a whole, which says that it is one. */
function auditWhole({ marks: expected }: Group, { notes = [] }: LogEntry, marks: string[]): void {
  const first = marks.indexOf(expected[0]!)
  const last = marks.lastIndexOf(expected.at(-1)!)
  const found = first < 0 ? [] : marks.slice(first, last + 1).filter((mark) => mark !== '')
  if (found.join() !== expected.join()) {
    throw new Violation('whole', 'only a part of a group is in an entry', {
      expected,
      found: marks,
    })
  }
  const isNoted = notes.some(
    ({ index, count = 1, atomic }) => atomic && index <= first && index + count > last,
  )
  if (isNoted) return
  throw new Violation('whole', `the history does not say that ${expected.join()} was one`, {
    found: notes,
  })
}

/** Of a group that was refused each command is told so, and one of them says why. */
function auditTold({ marks, receipts }: Group): void {
  const outcomes = receipts.flatMap(({ outcome }) => outcome ?? [])
  const lost = outcomes.flatMap((outcome) => ('rejection' in outcome ? outcome.rejection.code : []))
  if (lost.length === 0) return
  const isWhole = lost.length === receipts.length
  if (isWhole && lost.some((code) => code !== 'GROUP_REJECTED')) return
  throw new Violation('whole', `of ${marks.join()} only some were told why they are not there`, {
    found: receipts.map(({ outcome }) => outcome),
  })
}

function auditNames(
  mark: string,
  { notes = [] }: LogEntry,
  at: number,
  { labels, drafted }: Deeds,
): void {
  if (drafted.has(mark)) {
    throw new Violation('private', `${mark} is in the history, and was never published`)
  }
  const expected = labels.get(mark)
  const isNamed = notes.some(
    ({ index, count = 1, label }) => label === expected && index <= at && index + count > at,
  )
  if (expected === undefined || isNamed) return
  throw new Violation('named', `${mark} is in the history by another name`, {
    expected,
    found: notes,
  })
}

function auditClaims(key: string, { claims }: Deeds, chronicle: Chronicle): void {
  if (claims.size === 0) return
  const { genesis, entries } = chronicle.annals(key)!
  const { commandCount, hash, text } = genesis
  const options = { createId: () => 'unused', digest: () => '', maxHistoryBytes: 0 }
  const document = JSON.parse(text) as JsonObject
  const master = new Master({ commandCount, hash, document }, options)
  for (const entry of entries) {
    entry.commands.forEach((command, index) => {
      const mark = markOf(command) ?? ''
      const claim = claims.get(mark)
      const from = entry.from + index
      if (claim) {
        checkSeen(mark, claim.path, claim.expects, master)
        const { since = from } = chronicle.rewrites(key) === 0 ? claim.expects : {}
        checkAlone(mark, claim.path, { since, from, by: entry.clientId }, entries)
      }
      master.advance([{ ...entry, from, commands: [command] }])
    })
  }
}

/** The node was as the author had seen it, when the command was applied. */
function checkSeen(mark: string, path: Path, expects: Expects, master: Master): void {
  const { props = {}, unset = [] } = expects
  const read = (key: string) => master.read([...path, key])
  const isSeen =
    Object.keys(props).every((key) => isDeepStrictEqual(read(key), props[key])) &&
    unset.every((key) => read(key) === undefined)
  if (isSeen) return
  throw new Violation('expected', `${mark} overwrote what its author had not seen`, {
    expected: expects,
    found: master.read(path),
  })
}

/** Nobody else had written there between the two counts. */
function checkAlone(
  mark: string,
  path: Path,
  { since, from, by }: { readonly since: number; readonly from: number; readonly by: string },
  entries: readonly LogEntry[],
): void {
  for (const entry of entries) {
    if (entry.clientId === by || entry.from >= from || endOf(entry) <= since) continue
    entry.commands.forEach((command, index) => {
      const at = entry.from + index
      if (at < since || at >= from || !touches(command, path)) return
      throw new Violation('expected', `${mark} came after what its author had not heard of`, {
        expected: { since },
        found: command,
      })
    })
  }
}
