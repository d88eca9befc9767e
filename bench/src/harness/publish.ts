// Writes the figures of `bench/results` into docs/performance.md, each where a comment asks for
// it, and draws the plots beside it. What people write there stays between those places.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { formatGoal, toCells } from './format.ts'
import { readVersions } from './machine.ts'
import { drawPlot } from './plot.ts'
import { readResults, type Result } from './result.ts'
import { isKept, type Section } from './section.ts'

const PAGE = new URL('../../../docs/performance.md', import.meta.url)
const PLOTS = new URL('../../../docs/performance/', import.meta.url)
const PLACE = /<!-- figures: (\S+) -->\n[\s\S]*?<!-- end of figures -->/g

export function publish(): void {
  const results = readResults()
  writeFileSync(PAGE, fillPage(readFileSync(PAGE, 'utf8'), results))
  rmSync(PLOTS, { recursive: true, force: true })
  mkdirSync(PLOTS)
  for (const [id, { title, plot }] of sectionsOf(results)) {
    if (plot) writeFileSync(new URL(fileOf(id), PLOTS), drawPlot(title, plot))
  }
}

/** What is said of all benchmarks together. */
const overviews: Readonly<Record<string, (results: readonly Result[]) => string>> = {
  circumstances: writeCircumstances,
  goals: writeGoals,
}

/** The page with each place filled. Throws for a place that asks for figures nobody has. */
export function fillPage(page: string, results: readonly Result[]): string {
  const sections = sectionsOf(results)
  return page.replace(PLACE, (_, id: string) => {
    const section = sections.get(id)
    const text = section ? writeSection(id, section) : overviews[id]?.(results)
    if (text === undefined) throw new Error(`There are no figures "${id}" in bench/results.`)
    return `<!-- figures: ${id} -->\n\n${text}\n\n<!-- end of figures -->`
  })
}

function sectionsOf(results: readonly Result[]): Map<string, Section> {
  const pairs = results.flatMap(({ name, sections }) =>
    sections.map((section) => [`${name}/${section.id}`, section] as const),
  )
  return new Map(pairs)
}

function writeSection(id: string, section: Section): string {
  const [head, ...rows] = toCells(section)
  const rule = ['---', ...section.columns.map(() => '--:')]
  const table = [head!, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const goals = (section.goals ?? []).map((goal) => `- Goal: ${formatGoal(goal)}.`).join('\n')
  const plot = section.plot && `![${section.title}](performance/${fileOf(id)})`
  return [`*${section.title}.*`, table, plot, goals].filter(Boolean).join('\n\n')
}

function writeCircumstances(results: readonly Result[]): string {
  const rows = results.map(
    ({ name, date, load, machine }) => `| ${name} | ${date} | ${load} | ${machine} |`,
  )
  const head = ['| benchmark | on | load before | machine |', '| --- | --- | --: | --- |']
  return [[...head, ...rows].join('\n'), `Versions: ${readVersions().join(', ')}.`].join('\n\n')
}

/** Those that are missed, by name: of the others each section tells. */
function writeGoals(results: readonly Result[]): string {
  const goals = results.flatMap(({ sections }) =>
    sections.flatMap((section) => section.goals ?? []),
  )
  const missed = goals.filter((goal) => !isKept(goal))
  const kept = `${goals.length - missed.length} of ${goals.length} goals are kept`
  if (missed.length === 0) return `${kept}.`
  return [`${kept}. Missed:`, missed.map((goal) => `- ${formatGoal(goal)}`).join('\n')].join('\n\n')
}

function fileOf(id: string): string {
  return `${id.replace('/', '-')}.svg`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) publish()
