import { readFile, readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { catalogue } from '../src/harness/catalogue.ts'
import { formatGoal, formatValue } from '../src/harness/format.ts'
import { drawPlot } from '../src/harness/plot.ts'
import { fillPage } from '../src/harness/publish.ts'
import { readResults } from '../src/harness/result.ts'

const docs = new URL('../../docs/', import.meta.url)
const results = readResults()
const sections = results.flatMap(({ name, sections: all }) =>
  all.map((section) => ({ id: `${name}/${section.id}`, section })),
)

test('the page of figures shows what was measured, and nothing that was not', async () => {
  const page = await readFile(new URL('performance.md', docs), 'utf8')
  expect(fillPage(page, results)).toBe(page)
})

test('every benchmark has figures, and every figure a place on the page', async () => {
  const page = await readFile(new URL('performance.md', docs), 'utf8')
  expect(results.map(({ name }) => name).sort()).toEqual(Object.keys(catalogue).sort())
  expect(sections.filter(({ id }) => !page.includes(`<!-- figures: ${id} -->`))).toEqual([])
})

test('a place on the page that asks for figures nobody measured is told', () => {
  const page = '<!-- figures: edit/colour -->\n<!-- end of figures -->'
  expect(() => fillPage(page, results)).toThrow('There are no figures "edit/colour"')
})

test('every plot is drawn from what was measured', async () => {
  const folder = new URL('performance/', docs)
  const files = new Map<string, string>()
  for (const { id, section } of sections) {
    if (section.plot)
      files.set(`${id.replace('/', '-')}.svg`, drawPlot(section.title, section.plot))
  }
  expect((await readdir(folder)).sort()).toEqual([...files.keys()].sort())
  for (const [name, content] of files) {
    expect(await readFile(new URL(name, folder), 'utf8')).toBe(content)
  }
})

test('names at the ends of lines stand apart, however close the lines are', () => {
  const names = ['Flushout', 'a', 'b', 'c', 'd']
  const lines = names.map((name, n) => ({
    name,
    points: [
      [1, 1],
      [10, 1000 + n],
    ] as const,
  }))
  const svg = drawPlot('close', { x: { name: 'x', unit: '' }, y: { name: 'y', unit: '' }, lines })
  const heights = [...svg.matchAll(/<text class="hued [^"]*" x="[\d.]+" y="([\d.]+)"/g)]
    .map(([, y]) => Number(y))
    .sort((a, b) => a - b)
  expect(heights).toHaveLength(names.length)
  const gaps = heights.slice(1).map((y, n) => y - heights[n]!)
  expect(Math.min(...gaps)).toBeGreaterThan(12)
})

test('names in a plot cannot become markup', () => {
  const svg = drawPlot('a < b & c', {
    x: { name: '<b>', unit: 'KB', isLinear: true },
    bars: [{ name: '<script>', value: 1 }],
  })
  expect(svg).not.toMatch(/<script|<b>/)
  expect(svg).toContain('<title>a &lt; b &amp; c</title>')
})

test.each([
  [0, '0 µs'],
  [0.04321, '0.0432 µs'],
  [1.5, '1.5 µs'],
  [12.345, '12.3 µs'],
  [1234.5, '1,235 µs'],
])('%d is written with as many places as matter', (value, text) => {
  expect(formatValue(value, 'µs')).toBe(text)
})

test('a goal says whether it is kept', () => {
  const goal = { what: 'a rate', value: 99, unit: '/s' } as const
  expect(formatGoal({ ...goal, atLeast: 100 })).toBe('a rate: at least 100/s, is 99/s: missed')
  expect(formatGoal({ ...goal, atMost: 100 })).toBe('a rate: at most 100/s, is 99/s: kept')
})
