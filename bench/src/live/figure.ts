import { percentile } from '../measure.ts'
import type { Seen } from './generator-main.ts'

/** One thing that was measured. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: 'ms' | 's' | 'KB' | '%' | '×' | ''
  /** What it should not exceed. */
  readonly goal?: number
}

/** How long changes took from being sent to arriving at each other client, shortest first. */
export function readDelays(all: readonly Seen[]): number[] {
  const delays: number[] = []
  for (const { times } of all) {
    for (let at = 0; at < times.length; at += 2) delays.push(times[at + 1]! - times[at]!)
  }
  return delays.sort((a, b) => a - b)
}

/** The percentiles of a change at the other clients; one of them may have a goal. */
export function toFigures(
  delays: readonly number[],
  goals: { readonly [percent: number]: number } = {},
): Figure[] {
  return [50, 95, 99, 100].map((percent): Figure => ({
    name: percent === 100 ? 'the slowest' : `p${percent} of a change at the other clients`,
    value: percentile(delays, percent),
    unit: 'ms',
    ...(goals[percent] !== undefined && { goal: goals[percent] }),
  }))
}

/** How many changes came, and how often a client had to ask for what a stream did not carry. */
export function countFigures(all: readonly Seen[], delays: readonly number[]): Figure[] {
  const asked = all.reduce((sum, seen) => sum + seen.asked, 0)
  const repeated = all.reduce((sum, seen) => sum + seen.repeated, 0)
  return [
    { name: 'changes that came to other clients', value: delays.length, unit: '' },
    { name: 'times that a client had to ask', value: asked, unit: '' },
    { name: 'changes that came once more', value: repeated, unit: '' },
  ]
}

/** A figure for people. */
export function formatValue(value: number, unit: Figure['unit']): string {
  const digits = unit === '' || unit === '%' || value >= 100 ? 0 : unit === '×' ? 2 : 1
  const number = value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return unit === '' || unit === '×' ? number + unit : `${number} ${unit}`
}
