// `npm run crash -- --cycles 500 --seed 7`: kill servers and Postgres, over and
// over, and count what is there against what was told.
import { parseArgs } from 'node:util'
import { runCycles, type Cycle } from './crash-run.ts'

const { values } = parseArgs({
  options: { cycles: { type: 'string', default: '25' }, seed: { type: 'string' } },
})
const cycles = Number(values.cycles)
const seed = Number(values.seed ?? Date.now() % 1_000_000)

function print({ number, strike, flushes, repeated, findings, ms }: Cycle): void {
  const state = findings.length === 0 ? 'sound' : `${findings.length} promises broken`
  console.log(
    `${String(number).padStart(String(cycles).length)}/${cycles}  ${strike.padEnd(38)}` +
      `  ${flushes} flushes, ${repeated} repeated, ${state}  ${(ms / 1000).toFixed(1)} s`,
  )
}

const start = performance.now()
const done = await runCycles({ cycles, seed, onCycle: print })
console.log(done.at(-1)?.findings.join('\n'), `${(performance.now() - start) / 1000} s`)
