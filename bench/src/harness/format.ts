import { isKept, type Column, type Goal, type Section, type Unit } from './section.ts'

/** A number for people, with as many places as matter at its size. */
export function formatNumber(value: number): string {
  const places =
    Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 }
  return value.toLocaleString('en', places)
}

/** A number with its unit: `3.1×`, `12 µs`, `20,817/s`. */
export function formatValue(value: number, unit: Unit): string {
  const isJoined = unit === '×' || unit === '/s' || unit === ''
  return `${formatNumber(value)}${isJoined ? '' : ' '}${unit}`
}

/** `at most 3×, is 2.5×: kept`. */
export function formatGoal(goal: Goal): string {
  const limit = goal.atMost === undefined ? 'at least' : 'at most'
  const bound = formatValue((goal.atMost ?? goal.atLeast)!, goal.unit)
  const verdict = isKept(goal) ? 'kept' : 'missed'
  return `${goal.what}: ${limit} ${bound}, is ${formatValue(goal.value, goal.unit)}: ${verdict}`
}

/** The cells of a table, the head first. */
export function toCells({ rowsAre, columns, rows }: Section): string[][] {
  return [
    [rowsAre ?? '', ...columns.map(({ name }) => name)],
    ...rows.map(({ name, values }) => [
      name,
      ...columns.map((column, index) => toCell(values[index], column)),
    ]),
  ]
}

function toCell(value: number | undefined, { unit }: Column): string {
  // Out of a file it is null.
  return typeof value === 'number' ? formatValue(value, unit) : '–'
}
