import type { Failure, Tally } from './tally.ts'

/** The run that failed, for a person: what broke, what led to it, how to see it again. */
export function describeFailure({ seed, message, trace }: Failure, on = ''): string {
  return `Seed ${seed} breaks a promise.

${trace.map((line) => `  ${line}`).join('\n')}

${message}

Once more: npm run simulate -- --seed ${seed}${on}`
}

/** What all runs came to, in a few lines. */
export function describeTally(tally: Tally, seconds: number): string {
  const { runs, events, edits, repeated, slowestMs, faults } = tally
  const struck = Object.entries(faults).map(([fault, count]) => `  ${fault}: ${count}`)
  const perSecond = Math.round(runs / seconds)
  return `${runs} runs, ${edits} edits, ${events} events in ${seconds.toFixed(1)} s (${perSecond} runs/s)
${repeated} runs made twice, with the same trace
everybody in step again after ${(slowestMs / 1000).toFixed(1)} s at most, by the clock of the run
faults:
${struck.join('\n')}`
}
