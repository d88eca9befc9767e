// Cycle after cycle: edit under load, kill one thing, start it again, see that
// everybody gets through, and count what is there against what was told.
import { LoadedSite } from './loaded-site.ts'
import { describeStrike, makePlan, type Strike } from './plan.ts'

/** Acknowledged flushes before something is killed, and after it is back. */
const FLUSHES_BEFORE = 60
const FLUSHES_AFTER = 20
/** Where a server dies when a flush is stored and its author does not know. */
const UNHEARD = new Set<string>(['after-commit', 'before-answer', 'half-answer'])

const MAX_LISTED = 20

/** What happened in one cycle. */
export interface Cycle {
  readonly number: number
  readonly strike: string
  /** Acknowledged flushes since the run began. */
  readonly flushes: number
  /** Those of them whose first answer was lost. */
  readonly repeated: number
  /** What is not as it was promised, in words. */
  readonly findings: readonly string[]
  readonly ms: number
}

/**
 * Run the cycles that `seed` plans. Throws with the findings and with how to do
 * it again as soon as a promise is broken.
 */
export async function runCycles(options: {
  readonly cycles: number
  readonly seed: number
  readonly onCycle?: (cycle: Cycle) => void
  /** Ends Postgres and the servers amid a cycle; the process has to end after that. */
  readonly signal?: AbortSignal
}): Promise<Cycle[]> {
  const { cycles, seed, onCycle, signal } = options
  const site = await LoadedSite.start({ seed })
  try {
    return await Promise.race([runAll(site, makePlan(cycles, seed), onCycle), untilAborted(signal)])
  } catch (error) {
    if (!signal?.aborted) {
      ;(error as Error).message += `\nAgain: npm run crash -- --cycles ${cycles} --seed ${seed}`
    }
    throw error
  } finally {
    await site.stop()
  }
}

async function runAll(
  site: LoadedSite,
  plan: readonly Strike[],
  onCycle: (cycle: Cycle) => void = () => {},
): Promise<Cycle[]> {
  const done: Cycle[] = []
  for (const [index, strike] of plan.entries()) {
    const cycle = await runCycle(site, index + 1, strike)
    done.push(cycle)
    onCycle(cycle)
    if (cycle.findings.length === 0) continue
    throw new Error(`Cycle ${cycle.number}, ${cycle.strike}:\n${list(cycle.findings)}`)
  }
  return done
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error))
  })
}

/** Run one cycle. Throws where it does not come to its end; findings are in what it gives. */
export async function runCycle(site: LoadedSite, number: number, strike: Strike): Promise<Cycle> {
  const start = performance.now()
  const words = describeStrike(strike)
  const { ledger } = site
  const repeatedBefore = ledger.repeated
  try {
    site.work()
    await site.progress(FLUSHES_BEFORE)
    await site.strike(strike)
    await site.progress(FLUSHES_AFTER)
    await site.rest()
  } catch (cause) {
    const { message } = cause as Error
    const why = `${site.describe()}\n${list(await site.auditStore())}`
    throw new Error(`Cycle ${number}, ${words}: ${message}\n${why}`, { cause })
  }
  const findings = await site.audit()
  const isUnheard = strike.target === 'server' && UNHEARD.has(strike.at)
  if (isUnheard && ledger.repeated === repeatedBefore) {
    findings.push('a flush was stored and its answer lost, but none was answered as repeated')
  }
  const { flushes, repeated } = ledger
  return { number, strike: words, flushes, repeated, findings, ms: performance.now() - start }
}

/** One loss brings many with it; the first ones tell. */
function list(findings: readonly string[]): string {
  const more = findings.length - MAX_LISTED
  const shown = findings.slice(0, MAX_LISTED).join('\n')
  return more > 0 ? `${shown}\nand ${more} more` : shown
}
