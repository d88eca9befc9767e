import { createHash } from 'node:crypto'
import { endOf, isTimedId, Master, type JsonObject, type LogEntry } from '@flushout/core'
import type { Chronicle } from './chronicle.ts'
import type { Content } from './database.ts'
import { idOf, markOf, type Ledger } from './ledger.ts'
import { Violation } from './violation.ts'

/** Outcomes that say: nobody knows whether it took effect before. */
const UNKNOWN = new Set(['SEQUENCE_PAST', 'SEQUENCE_REUSED', 'CLIENT_EXPIRED', 'FORBIDDEN'])

/** The history hash after `entry`, by the rule of docs/protocol.md. */
function hashAfter(hash: string, entry: LogEntry): string {
  const { clientId, sequence, userId, at, commands, notes = [], salt } = entry
  const seal = entry.seal ?? digest(salt + JSON.stringify([commands, notes]))
  return digest(hash + JSON.stringify([clientId, sequence, userId, at, seal]))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

/** Check all that a database holds about a model against all that was ever committed. */
export function auditContent(key: string, content: Content, chronicle: Chronicle): void {
  const { head, floor, entries, clients } = content
  let { commandCount, hash } = floor
  const last = new Map<string, number>()
  for (const entry of entries) {
    if (entry.from !== commandCount) {
      throw new Violation('gapless', `${key} has a gap before ${idOf(entry)}`, {
        expected: commandCount,
        found: entry.from,
      })
    }
    hash = hashAfter(hash, entry)
    if (entry.hash !== hash) {
      throw new Violation('chained', `${key} at ${endOf(entry)}`, {
        expected: hash,
        found: entry.hash,
      })
    }
    commandCount = endOf(entry)
    if ((last.get(entry.clientId) ?? 0) >= entry.sequence) {
      throw new Violation('numbered', `${idOf(entry)} comes after ${last.get(entry.clientId)}`)
    }
    last.set(entry.clientId, entry.sequence)
  }
  if (commandCount !== head.commandCount || hash !== head.hash) {
    throw new Violation('gapless', `the log of ${key} does not end at the head`, {
      expected: head,
      found: { commandCount, hash },
    })
  }
  for (const [clientId, sequence] of last) {
    const row = clients.find((client) => client.clientId === clientId)
    const isExpired = !row && isTimedId(clientId) && clientId <= content.lastExpired
    if (!isExpired && (row?.sequence ?? 0) < sequence) {
      throw new Violation('numbered', `the row of ${clientId} is behind the log of ${key}`, {
        expected: sequence,
        found: row?.sequence ?? 'no row',
      })
    }
  }
  auditTail(key, content, chronicle)
}

/** What is left of the history is the end of what was committed. */
function auditTail(key: string, { entries }: Content, chronicle: Chronicle): void {
  const committed = chronicle.annals(key)?.entries ?? []
  const found = entries.map(({ hash }) => hash)
  const expected = committed.map(({ hash }) => hash).slice(committed.length - found.length)
  if (found.length > committed.length || found.join() !== expected.join()) {
    throw new Violation('gapless', `the log of ${key} is not the end of what was committed`, {
      expected,
      found,
    })
  }
}

/**
 * The document of a model, replayed in both ways. `isPlain`: nothing happened
 * after which a name may rightly mean something else.
 */
export function auditReplay(
  key: string,
  content: Content,
  chronicle: Chronicle,
  isPlain: boolean,
): string {
  const { genesis, entries } = chronicle.annals(key)!
  const { checkpoint } = content
  const whole = replay(genesis, entries, isPlain ? checkTargets : undefined)
  const short = replay(
    checkpoint,
    content.entries.filter(({ from }) => from >= checkpoint.commandCount),
  )
  if (whole === short) return whole
  throw new Violation('replayable', `checkpoint and tail of ${key} are not the whole history`, {
    expected: whole,
    found: short,
  })
}

function replay(
  { commandCount, hash, text }: { commandCount: number; hash: string; text: string },
  entries: readonly LogEntry[],
  onEntry: (master: Master, entry: LogEntry) => void = () => {},
): string {
  const document = JSON.parse(text) as JsonObject
  const options = { createId: () => 'unused', digest: () => '', maxHistoryBytes: 0 }
  const master = new Master({ commandCount, hash, document }, options)
  for (const entry of entries) {
    onEntry(master, entry)
    master.advance([entry])
  }
  return JSON.stringify(master.snapshot().document)
}

/** What the whole history of a model comes to. */
export function currentDocument(key: string, chronicle: Chronicle): string {
  const { genesis, entries } = chronicle.annals(key)!
  return replay(genesis, entries)
}

/** An update names what its author saw where it goes to. */
function checkTargets(master: Master, entry: LogEntry): void {
  for (const command of entry.commands) {
    const seen = command.action === 'update' ? command.props?.['seen'] : undefined
    const node = seen === undefined ? undefined : master.read(command.path)
    const born = (node as { born?: unknown } | undefined)?.born
    if (born === undefined || born === seen) continue
    throw new Violation('on target', `${markOf(command)} was meant for another node`, {
      expected: seen,
      found: born,
    })
  }
}

/** With rules, what they refuse must not get through. */
export function auditRules(key: string, chronicle: Chronicle): void {
  for (const { commands } of chronicle.annals(key)!.entries) {
    for (const command of commands) {
      const rule = command.action === 'delete' ? undefined : command.props?.['rule']
      if (rule !== 'reject' && rule !== 'throw') continue
      throw new Violation('ruled', `${markOf(command)} should have been refused`, {
        found: command,
      })
    }
  }
}

/**
 * Compare what people were told about their edits with what is in the history.
 * `mayShareIds`: two clients had one id, and one of them went on under another. If
 * the history was rewritten as well, nobody can tell a late copy of what it sent
 * before from something new.
 */
export function auditEdits(
  ledgers: readonly Ledger[],
  chronicle: Chronicle,
  mayShareIds: boolean,
): void {
  const mayBeLate = (key: string) => mayShareIds && chronicle.rewrites(key) > 0
  const counts = new Map<string, number>()
  for (const key of chronicle.keys) {
    const seen = new Map<string, number>()
    for (const entry of chronicle.annals(key)!.entries) {
      for (const command of entry.commands) {
        const mark = markOf(command)
        if (mark === undefined) continue
        counts.set(mark, (counts.get(mark) ?? 0) + 1)
        if (mayBeLate(key) || chronicle.isRevived(key, idOf(entry))) continue
        checkOrder(key, mark, seen)
      }
    }
  }
  for (const ledger of ledgers) {
    for (const edit of ledger.edits) {
      if (!edit.isMarked || mayBeLate(ledger.key)) continue
      auditEdit(ledger, edit, counts.get(edit.mark) ?? 0, chronicle)
    }
  }
}

function checkOrder(key: string, mark: string, seen: Map<string, number>): void {
  const [page = '', number] = mark.split('-')
  const before = seen.get(page) ?? 0
  if (Number(number) < before) {
    throw new Violation('in order', `${mark} comes after ${page}-${before} in the log of ${key}`)
  }
  seen.set(page, Number(number))
}

function auditEdit(
  { key, copied, expired }: Ledger,
  { mark, receipt, flushes, isStored }: Ledger['edits'][number],
  count: number,
  chronicle: Chronicle,
): void {
  const { outcome } = receipt
  const told = outcome?.kind ?? 'nothing'
  // A copy took effect, and then its client was forgotten: a case of docs/reliability.md.
  if (count > 1 && flushes.some((flush) => copied.has(flush) && expired.has(flush))) return
  if (count > 1) throw new Violation('not doubled', `${mark} is in the history ${count} times`)
  if (outcome?.kind === 'applied' || outcome?.kind === 'amended') {
    if (count === 1 || flushes.some((flush) => chronicle.mayBeCut(key, flush))) return
    throw new Violation(
      'not lost',
      `${mark} was told to be ${told}, and is not in the history of ${key}`,
    )
  }
  if (!outcome || count === 0) return
  if (outcome.kind === 'dropped' && UNKNOWN.has(outcome.rejection.code)) return
  // One copy may come while somebody is shut out, and another one later.
  const isCopied = flushes.some((flush) => copied.has(flush))
  // Nor does a page that dies before it has stored what it was told.
  if (outcome.rejection.code === 'FORBIDDEN' && isStored) return
  if (outcome.rejection.code === 'FORBIDDEN' && isCopied) return
  // A late copy may come to a history that has forgotten what was said before.
  if (chronicle.rewrites(key) > 0) return
  throw new Violation(
    'not secret',
    `${mark} was told to be ${told}, and is in the history of ${key}`,
    {
      found: outcome,
    },
  )
}
