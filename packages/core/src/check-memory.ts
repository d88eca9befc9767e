import { checkSent } from './answer.ts'
import { checkGiven, type CheckedGiven } from './check.ts'
import type { Rejection } from './command.ts'
import { attempt, demand, toCount, toList, toText } from './demand.ts'
import { FlushoutError } from './errors.ts'
import { createGroup, groupRejected, isReads, type PendingGroup } from './group.ts'
import { copyJson, isObject, type JsonValue } from './json.ts'
import type { PendingMemory, ProxyMemory } from './memory.ts'
import { PROTOCOL, type Flush } from './protocol.ts'
import { PendingCommand } from './receipt.ts'
import { FIRST_VERSION } from './versions.ts'

/** A memory that can be worked with. */
export interface CheckedMemory extends Pick<ProxyMemory, 'clientId' | 'sequence' | 'serial'> {
  readonly flight: Flush | undefined
  readonly hasLanded: boolean
  readonly isDistrusted: boolean
  readonly pending: PendingCommand[]
  readonly schema: number
  /** What has not the form of a command, or not any more. */
  readonly lost: readonly { readonly pending: PendingCommand; readonly rejection: Rejection }[]
}

/** Check what claims to be a `ProxyMemory`. Throws OPTIONS_INVALID if it is none. */
export function checkMemory(memory: ProxyMemory): CheckedMemory {
  const checked = attempt(() => toMemory(memory))
  if (checked) return checked
  throw new FlushoutError('OPTIONS_INVALID', 'This is not the memory of a proxy.')
}

function toMemory(memory: ProxyMemory): CheckedMemory {
  const { clientId, sequence, serial, hasLanded, isDistrusted, schema = FIRST_VERSION } = memory
  const flight = memory.flight === undefined ? undefined : toFlight(memory.flight)
  demand(!flight || (flight.clientId === clientId && flight.sequence === sequence + 1))
  const sent = flight?.commands ?? []
  let pending: PendingCommand[] = []
  const lost: { pending: PendingCommand; rejection: Rejection }[] = []
  let last = 0
  // Atomic groups of which something is lost.
  const spoiled = new Set<number>()
  toList(memory.pending, (entry) => {
    const { serial: own, command, wait, group } = entry as PendingMemory
    demand(toCount(own) > last && isObject(command as unknown as JsonValue))
    last = own
    const checked = checkGiven(command, refuseId)
    const given = checked.ok ? checked.command : (command as CheckedGiven)
    const one = new PendingCommand(
      given,
      checked.ok ? checked.size : 0,
      wait === true,
      toGroup(group),
    )
    one.serial = own
    // It comes from where it was kept.
    one.keep(true)
    if (checked.ok) pending.push(one)
    else {
      // What was sent is in the master's hands, whatever is thought of it here.
      demand(pending.length >= sent.length)
      lost.push({ pending: one, rejection: checked.rejection })
      if (one.group?.atomic) spoiled.add(one.group.id)
    }
  })
  pending = pending.filter((one, index) => {
    const isLost = one.group && spoiled.has(one.group.id) && index >= sent.length
    if (isLost) lost.push({ pending: one, rejection: groupRejected().rejection })
    return !isLost
  })
  demand(pending.length >= sent.length)
  sent.forEach((command, index) => {
    const checked = checkSent(command)
    demand(checked !== undefined)
    pending[index]!.command = checked
  })
  return {
    clientId: toText(clientId),
    sequence: toCount(sequence),
    serial: Math.max(toCount(serial), last),
    flight,
    hasLanded: hasLanded === true && flight !== undefined,
    isDistrusted: isDistrusted === true || flight?.hash === '',
    pending,
    schema: toCount(schema),
    lost,
  }
}

/** The flight, deeply frozen. Not as `checkCommand` writes it: what was sent stays so to the letter. */
function toFlight(flight: Flush): Flush {
  // Its commands begin some levels down; where they lie in the document is what counts.
  const copy = copyJson(flight, -3)
  demand(copy.ok)
  const checked = copy.value as unknown as Flush
  toCount(checked.from)
  toText(checked.hash)
  demand(checked.protocol === PROTOCOL && toList(checked.commands, Object).length > 0)
  return checked
}

function toGroup(group: unknown): PendingGroup | undefined {
  if (group === undefined) return undefined
  const { id, label, atomic, reads } = Object(group) as PendingGroup
  demand(label === undefined || typeof label === 'string')
  demand(reads === undefined || isReads(reads))
  return Object.freeze(createGroup(label, atomic === true, () => toCount(id), reads))
}

/** Whatever is remembered has its id: another one would be another node. */
function refuseId(): never {
  throw new TypeError('A create that is remembered has its id.')
}
