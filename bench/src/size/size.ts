// What a page has to load for an app, by what the app imports: minified and gzipped, React and
// Immer apart.
import type { Column, Goal, Section } from '../harness/section.ts'
import { others, steps } from './apps.ts'
import { weigh, type Weight } from './bundle.ts'

const COLUMNS: readonly Column[] = [
  { name: 'before it shows', unit: 'KB' },
  { name: 'with all that may come later', unit: 'KB' },
]

export async function run(): Promise<Section[]> {
  const own = await Promise.all(steps.map(({ imports }) => weigh(imports)))
  const names = Object.keys(others)
  const foreign = await Promise.all(
    Object.values(others).map((imports) => weigh(imports, 'immer' in imports ? [] : undefined)),
  )
  return [
    {
      id: 'steps',
      title: 'What a page loads, minified and gzipped, step by step',
      rowsAre: 'imports',
      columns: COLUMNS,
      rows: steps.map(({ name }, index) => ({ name, values: toValues(own[index]!) })),
      goals: steps.map(({ name, goal }, index): Goal => ({
        what: name,
        value: toKilobytes(own[index]!.first),
        unit: 'KB',
        atMost: goal,
      })),
    },
    compareAll([...steps.map(({ name }) => `Flushout, ${name}`), ...names], [...own, ...foreign]),
  ]
}

function compareAll(names: readonly string[], weights: readonly Weight[]): Section {
  const sizes = weights
    .map((weight, index) => ({ name: names[index]!, weight }))
    .sort((a, b) => a.weight.first - b.weight.first)
  return {
    id: 'others',
    title: 'What a page loads for a little app, by what keeps its data',
    columns: COLUMNS,
    rows: sizes.map(({ name, weight }) => ({ name, values: toValues(weight) })),
    plot: {
      x: { name: 'loaded before the page shows', unit: 'KB' },
      bars: sizes.map(({ name, weight: { first } }) => ({
        name: name.split(/: |, with/)[0]!,
        value: toKilobytes(first),
      })),
    },
  }
}

function toValues({ first, all }: Weight): number[] {
  return [toKilobytes(first), toKilobytes(all)]
}

function toKilobytes(bytes: number): number {
  return bytes / 1_000
}
