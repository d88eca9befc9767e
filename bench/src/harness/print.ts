import { formatGoal, toCells } from './format.ts'
import type { Section } from './section.ts'

/** Write a section to the terminal. */
export function print(section: Section): void {
  console.log(`\n${section.title}\n`)
  printTable(toCells(section))
  for (const goal of section.goals ?? []) console.log(`  goal: ${formatGoal(goal)}`)
}

/** Columns as wide as they need to be, numbers to the right. */
function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    )
    console.log(cells.join('  '))
  }
}
