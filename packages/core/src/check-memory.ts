import { checkApplied } from './answer.ts'
import { checkCommand, type CheckedCommand } from './check.ts'
import type { Rejection } from './command.ts'
import { FlushoutError } from './errors.ts'
import { copyJson, isObject, type JsonValue } from './json.ts'
import type { PendingMemory, ProxyMemory } from './memory.ts'
import { PROTOCOL, type Flush } from './protocol.ts'
import { PendingCommand } from './receipt.ts'

/** A memory that can be worked with. */
export interface CheckedMemory extends Pick<ProxyMemory, 'clientId' | 'sequence' | 'serial'> {
  readonly flight: Flush | undefined
  readonly hasLanded: boolean
  readonly isDistrusted: boolean
  readonly pending: PendingCommand[]
  /** What has not the form of a command, or not any more. */
  readonly lost: readonly { readonly pending: PendingCommand; readonly rejection: Rejection }[]
}

/** Check what claims to be a `ProxyMemory`. Throws OPTIONS_INVALID if it is none. */
export function checkMemory(memory: ProxyMemory): CheckedMemory {
  const { clientId, sequence, serial, hasLanded, isDistrusted, pending } = Object(
    memory,
  ) as ProxyMemory
  const isRight = typeof clientId === 'string' && isCount(sequence) && isCount(serial)
  if (!isRight || !Array.isArray(pending)) throw invalid()
  const flight = checkFlight(memory)
  const sent = flight?.commands ?? []
  const kept: PendingCommand[] = []
  const lost: { pending: PendingCommand; rejection: Rejection }[] = []
  let last = 0
  for (const entry of pending) {
    const { serial: own, command, wait } = Object(entry) as PendingMemory
    if (!isCount(own) || own <= last || !isObject(command as unknown as JsonValue)) throw invalid()
    last = own
    const checked = checkCommand(command, refuseId)
    if (checked.ok) kept.push(toPending(own, checked.command, checked.size, wait === true))
    else {
      // What was sent is in the master's hands, whatever is thought of it here.
      if (kept.length < sent.length) throw invalid()
      const given = toPending(own, command as CheckedCommand, 0, false)
      lost.push({ pending: given, rejection: checked.rejection })
    }
  }
  if (kept.length < sent.length) throw invalid()
  sent.forEach((command, index) => {
    const checked = checkApplied(command)
    if (!checked) throw invalid()
    kept[index]!.command = checked
  })
  return {
    clientId,
    sequence,
    serial: Math.max(serial, last),
    flight,
    hasLanded: hasLanded === true && flight !== undefined,
    isDistrusted: isDistrusted === true || flight?.hash === '',
    pending: kept,
    lost,
  }
}

/** The flight, deeply frozen. Not as `checkCommand` writes it: what was sent stays so to the letter. */
function checkFlight({ clientId, sequence, flight }: ProxyMemory): Flush | undefined {
  if (flight === undefined) return undefined
  // Its commands begin some levels down; where they lie in the document is what counts.
  const copy = copyJson(flight, -3)
  if (!copy.ok) throw invalid()
  const checked = Object(copy.value) as Flush
  const isRight =
    checked.protocol === PROTOCOL &&
    checked.clientId === clientId &&
    checked.sequence === sequence + 1 &&
    isCount(checked.from) &&
    typeof checked.hash === 'string' &&
    Array.isArray(checked.commands) &&
    checked.commands.length > 0
  if (!isRight) throw invalid()
  return checked
}

function toPending(
  serial: number,
  command: CheckedCommand,
  size: number,
  waits: boolean,
): PendingCommand {
  const pending = new PendingCommand(command, size, waits)
  pending.serial = serial
  // It comes from where it was kept.
  pending.keep(true)
  return pending
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Whatever is remembered has its id: another one would be another node. */
function refuseId(): never {
  throw invalid()
}

function invalid(): FlushoutError {
  return new FlushoutError('OPTIONS_INVALID', 'This is not the memory of a proxy.')
}
