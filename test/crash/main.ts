// `npm run crash -- --cycles 500 --seed 7`: kill servers and Postgres, over and
// over, and count what is there against what was told.
import { parseArgs } from 'node:util'
import { runCycles, type Cycle } from './cycles.ts'
import { FULL_ROUND } from './plan.ts'

const { values } = parseArgs({
  options: { cycles: { type: 'string' }, seed: { type: 'string' } },
})
const cycles = readNumber('cycles', values.cycles ?? String(FULL_ROUND))
const seed = readNumber('seed', values.seed ?? String(Date.now() % 1_000_000))

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())

console.log(`${cycles} cycles with seed ${seed}`)
const start = performance.now()
try {
  const done = await runCycles({ cycles, seed, onCycle: print, signal: stopped.signal })
  const seconds = Math.round((performance.now() - start) / 1000)
  const { flushes = 0, repeated = 0 } = done.at(-1) ?? {}
  console.log(
    `${done.length} kills in ${seconds} s: ${flushes.toLocaleString('en')} acknowledged flushes, ` +
      `0 lost, 0 doubled; ${repeated} were answered once more.`,
  )
} catch (error) {
  console.error(stopped.signal.aborted ? 'Stopped.' : (error as Error).message)
  // Not by itself: what was interrupted still waits for things that will not come.
  process.exit(stopped.signal.aborted ? 130 : 1)
}

function print({ number, strike, flushes, findings, ms }: Cycle): void {
  const place = `${String(number).padStart(String(cycles).length)}/${cycles}`
  const state = findings.length === 0 ? 'sound' : 'BROKEN'
  console.log(
    `${place}  ${strike.padEnd(36)}  ${state}, ${flushes} flushes, ${(ms / 1000).toFixed(1)} s`,
  )
}

function readNumber(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  console.error(`--${name} is a number above 0, not "${text}".`)
  process.exit(1)
}
