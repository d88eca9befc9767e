import type { Flush, FlushAnswer } from '@flushout/core'
import { isFlushoutError, type ErrorCode, type Transport } from '@flushout/client'
import type { AuditedModel } from './stored-model.ts'

/** A flush of which a client was told that the master has it. */
interface Acknowledged {
  readonly key: string
  readonly clientId: string
  readonly sequence: number
  /** Where the history was then, at least. */
  readonly commandCount: number
  readonly hash: string
  /** The least count at which its entry can end. */
  readonly earliest: number
  /** Whether anything of it was applied, so that the log must have it. */
  readonly isLogged: boolean
}

/** What a client may be told while servers come and go; all of it means: again. */
const PASSING = new Set<string>(['NETWORK', 'UNAVAILABLE', 'BUSY'])

/**
 * What clients were told, written down on their side of the network: what was
 * acknowledged can be asked for later, whatever the server side has forgotten.
 */
export class Ledger {
  readonly #acknowledged: Acknowledged[] = []
  /** Acknowledged flushes. */
  flushes = 0
  /** Those of them that had been applied before the one that was answered. */
  repeated = 0
  /** How often an exchange failed, by code. */
  readonly errors = new Map<ErrorCode, number>()

  /** A transport that keeps books of what it is told. */
  watch(transport: Transport): Transport {
    return {
      load: (key, signal) => transport.load(key, signal),
      flush: async (key, flush, signal) => {
        try {
          const answer = (await transport.flush(key, flush, signal)) as FlushAnswer
          if (flush.commands.length > 0) this.#note(key, flush, answer)
          return answer
        } catch (error) {
          if (isFlushoutError(error)) this.errors.set(error.code, this.countErrors(error.code) + 1)
          throw error
        }
      },
    }
  }

  countErrors(code: ErrorCode): number {
    return this.errors.get(code) ?? 0
  }

  /** Tell what was acknowledged and is not there, or is there more than once. */
  audit(models: readonly AuditedModel[]): string[] {
    const stored = new Map(models.map((model) => [model.key, new Shelf(model)]))
    const findings = this.#acknowledged.flatMap((flush) => {
      const shelf = stored.get(flush.key)
      if (!shelf) return [`${flush.key}: acknowledged up to ${flush.commandCount}, and gone`]
      return shelf.find(flush)
    })
    // What lies before the floor was looked for while it was there.
    const isOld = ({ key, commandCount }: Acknowledged) =>
      commandCount <= (stored.get(key)?.floor ?? 0)
    const kept = this.#acknowledged.filter((flush) => !isOld(flush))
    this.#acknowledged.splice(0, Infinity, ...kept)
    return findings
  }

  /** Tell what clients were told that nothing but a fault of a server explains. */
  auditErrors(): string[] {
    const others = [...this.errors].filter(([code]) => !PASSING.has(code))
    return others.map(([code, times]) => `a client was told ${code}, ${times} times in all`)
  }

  #note(key: string, { clientId, sequence, from, commands }: Flush, answer: FlushAnswer): void {
    const { commandCount, hash, verdicts, outcome } = answer
    const isLogged = verdicts.filter(({ kind }) => kind !== 'amended').length < commands.length
    const earliest = outcome === 'applied' ? commandCount : from + 1
    const place = { commandCount, hash, earliest }
    this.#acknowledged.push({ key, clientId, sequence, ...place, isLogged })
    this.flushes += 1
    if (outcome === 'repeated') this.repeated += 1
  }
}

/** The log of one model, by what is looked for. */
class Shelf {
  readonly floor: number
  readonly #key: string
  readonly #counts = new Map<string, number[]>()
  readonly #hashes = new Map<number, string>()

  constructor({ key, floor, log }: AuditedModel) {
    this.#key = key
    this.floor = floor.commandCount
    for (const { clientId, sequence, to, hash } of log) {
      const name = `${clientId} ${sequence}`
      this.#counts.set(name, [...(this.#counts.get(name) ?? []), to])
      this.#hashes.set(to, hash)
    }
  }

  find({ clientId, sequence, commandCount, hash, earliest, isLogged }: Acknowledged): string[] {
    const flush = `${this.#key}: flush ${sequence} of client ${clientId}`
    const counts = this.#counts.get(`${clientId} ${sequence}`) ?? []
    const findings: string[] = []
    if (counts.length === 0 && isLogged && earliest > this.floor) {
      findings.push(`${flush} was acknowledged at ${commandCount}, and is lost`)
    }
    if (counts.length > 1) findings.push(`${flush} is in the log at ${counts.join(' and ')}`)
    const now = this.#hashes.get(commandCount) ?? 'none'
    if (commandCount > this.floor && now !== hash) {
      findings.push(`${flush} was told hash ${hash} at ${commandCount}, where now is ${now}`)
    }
    return findings
  }
}
