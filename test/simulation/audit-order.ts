import { endOf, type JsonValue } from '@flushout/core'
import type { Chronicle } from './chronicle.ts'
import type { Deeds, Group } from './deeds.ts'
import { BLANK } from './desk.ts'
import { markOf } from './ledger.ts'
import { Violation } from './violation.ts'

/** What happened as a whole: a group, or an edit of its own. */
interface Unit {
  readonly name: string
  readonly group: Group | undefined
  readonly clientId: string
  /** What has to come after it. */
  readonly after: Set<Unit>
}

interface Writing {
  readonly unit: Unit
  readonly value: JsonValue
  /** The count after it. */
  readonly to: number
}

/**
 * Look for an order, one after the other, in which everybody who decided by registers
 * had read what these held. Each value is written once, so what was read says after whom
 * its reader comes, and before whom. Nothing here asks what the product noted of it.
 */
export function auditOrder(deeds: Deeds, chronicle: Chronicle): void {
  for (const key of chronicle.keys) {
    // What was read may be lost with another history.
    if (chronicle.rewrites(key) > 0) continue
    const { writings, units } = collect(key, deeds, chronicle)
    for (const list of writings.values()) {
      for (const [index, { unit }] of list.entries()) {
        const next = list[index + 1]?.unit
        if (next && next !== unit) unit.after.add(next)
      }
    }
    for (const unit of units) {
      for (const [name, value] of unit.group?.saw ?? []) {
        place(unit, value, writings.get(name) ?? [])
      }
    }
    const circle = findCircle(units)
    if (!circle) continue
    throw new Violation('serial', `no order explains what was read in ${key}`, {
      found: circle.map(({ name }) => name).join(' before '),
    })
  }
}

function collect(key: string, deeds: Deeds, chronicle: Chronicle) {
  const groups = new Map(
    deeds.groups.flatMap((group) => group.marks.map((mark) => [mark, group] as const)),
  )
  const units = new Map<string, Unit>()
  const writings = new Map<string, Writing[]>()
  for (const entry of chronicle.annals(key)!.entries) {
    for (const command of entry.commands) {
      const { path } = command
      const value = command.action === 'update' ? command.props?.['value'] : undefined
      const mark = markOf(command)
      if (path.length !== 2 || path[0] !== 'shelf' || value === undefined || !mark) continue
      const group = groups.get(mark)
      const name = group?.marks.join('+') ?? mark
      const unit = units.get(name) ?? { name, group, clientId: entry.clientId, after: new Set() }
      units.set(name, unit)
      const list = writings.get(path[1]!) ?? []
      list.push({ unit, value, to: endOf(entry) })
      writings.set(path[1]!, list)
    }
  }
  return { units: [...units.values()], writings }
}

/** Put a reader after whoever wrote what it read, and before the next who wrote there. */
function place(reader: Unit, value: JsonValue | undefined, writings: readonly Writing[]): void {
  const { since, isShared } = reader.group!
  const at = writings.findIndex((writing) => writing.value === value)
  const found = writings[at]
  // What another tab had not sent does not count as read.
  const isSent = found && (found.to <= since || found.unit.clientId === reader.clientId)
  if (isShared && found && !isSent) return
  if (!found && value !== BLANK) {
    if (isShared) return
    throw new Violation('serial', `${reader.name} was decided by what never happened`, {
      found: value,
    })
  }
  if (found) found.unit.after.add(reader)
  const next = writings[at + 1]?.unit
  if (next && next !== reader) reader.after.add(next)
}

/** Units that come before each other in a circle; undefined if there are none. */
function findCircle(units: readonly Unit[]): readonly Unit[] | undefined {
  const done = new Set<Unit>()
  const way: Unit[] = []
  const visit = (unit: Unit): readonly Unit[] | undefined => {
    if (way.includes(unit)) return [...way.slice(way.indexOf(unit)), unit]
    if (done.has(unit)) return undefined
    way.push(unit)
    for (const next of unit.after) {
      const circle = visit(next)
      if (circle) return circle
    }
    way.pop()
    done.add(unit)
    return undefined
  }
  for (const unit of units) {
    const circle = visit(unit)
    if (circle) return circle
  }
  return undefined
}
