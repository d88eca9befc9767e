// The tables of what was measured.
import type { Column, Goal, Row, Section } from '../../harness/section.ts'
import type { Cell, Sample } from './cell.ts'

const COLUMNS: readonly (Column & { readonly of: keyof Sample })[] = [
  { name: 'flushes', unit: '/s', of: 'perSecond' },
  { name: 'p50', unit: 'ms', of: 'p50' },
  { name: 'p99', unit: 'ms', of: 'p99' },
  { name: 'slowest', unit: 'ms', of: 'slowest' },
  { name: 'tries', unit: '', of: 'triesEach' },
  { name: 'CPU a flush', unit: 'µs', of: 'cpuUsEach' },
  { name: 'WAL a flush', unit: 'B', of: 'walBytesEach' },
]

/** One model: how the rate changes with the number of writers, from a list for each scheme. */
export function hotSection(schemes: readonly (readonly Cell[])[]): Section {
  return {
    id: 'one-model',
    title: 'Flushes a second to one model of 10 KB, by the number of writers',
    columns: schemes[0]!.map(({ writers }) => ({ name: nameWriters(writers), unit: '/s' })),
    rows: schemes.map((cells) => ({
      name: cells[0]!.scheme.name,
      values: cells.map(({ perSecond }) => perSecond),
    })),
    plot: {
      x: { name: 'writers', unit: '' },
      y: { name: 'flushes', unit: '/s' },
      lines: schemes.map((cells) => ({
        name: cells[0]!.scheme.name,
        points: cells.map(({ writers, perSecond }) => [writers, perSecond] as const),
      })),
    },
  }
}

/** All that was measured of some cells. */
export function detailSection(
  id: string,
  title: string,
  cells: readonly Cell[],
  goals: readonly Goal[] = [],
): Section {
  return {
    id,
    title,
    columns: COLUMNS.map(({ name, unit }) => ({ name, unit })),
    rows: cells.map(toRow),
    goals,
  }
}

/** A goal for the rate of one cell beside that of another. */
export function rateGoal(what: string, ours: Cell, other: Cell, atLeast: number): Goal {
  return { what, value: ours.perSecond / other.perSecond, unit: '×', atLeast }
}

function toRow(cell: Cell): Row {
  const name = `${cell.scheme.name}, ${nameWriters(cell.writers)}`
  return { name, values: COLUMNS.map(({ of }) => cell.value(of)) }
}

function nameWriters(writers: number): string {
  return writers === 1 ? '1 writer' : `${writers} writers`
}
