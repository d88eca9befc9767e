import { scaleLinear, scaleLog } from 'd3-scale'
import type { Axis } from './section.ts'

/** Where values of an axis lie, and those that are worth a line of the grid. */
export interface Scale {
  (value: number): number
  readonly marks: readonly number[]
}

/** A linear axis begins at 0, a logarithmic one at a power of ten. */
export function makeScale(
  { isLinear }: Axis,
  values: readonly number[],
  range: readonly [number, number],
): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  if (isLinear) {
    const scale = scaleLinear().domain([0, high]).nice().range(range)
    return Object.assign((value: number) => scale(value), { marks: scale.ticks(6) })
  }
  const domain = [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high))]
  const scale = scaleLog().domain(domain).range(range)
  const marks = scale.ticks().filter((value) => Number.isInteger(Math.log10(value)))
  return Object.assign((value: number) => scale(value), { marks })
}

export function nameOf({ name, unit }: Axis): string {
  return unit === '' ? name : `${name}, ${unit}`
}
