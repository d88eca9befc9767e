import { percentile } from '../harness/measure.ts'
import type { Column, Goal } from '../harness/section.ts'
import type { Seen } from './generator-main.ts'

/** How long changes took from being sent to arriving at each other client, shortest first. */
function readDelays(all: readonly Seen[]): number[] {
  const delays: number[] = []
  for (const { times } of all) {
    for (let at = 0; at < times.length; at += 2) delays.push(times[at + 1]! - times[at]!)
  }
  return delays.sort((a, b) => a - b)
}

/** How late a change is at the others, and how often a client had to ask for what a stream did not carry. */
export const delayColumns: readonly Column[] = [
  { name: 'p50', unit: 'ms' },
  { name: 'p95', unit: 'ms' },
  { name: 'p99', unit: 'ms' },
  { name: 'slowest', unit: 'ms' },
  { name: 'asked', unit: '' },
]

/** What is in `delayColumns`. */
export function delayValues(seen: readonly Seen[]): number[] {
  const delays = readDelays(seen)
  const asked = seen.reduce((sum, each) => sum + each.asked, 0)
  return [...[50, 95, 99, 100].map((percent) => percentile(delays, percent)), asked]
}

/** What so many percent of the changes should not exceed. */
export function delayGoal(
  what: string,
  seen: readonly Seen[],
  percent: number,
  atMost: number,
): Goal {
  return {
    what: `${what}, p${percent}`,
    value: percentile(readDelays(seen), percent),
    unit: 'ms',
    atMost,
  }
}
