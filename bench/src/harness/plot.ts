// Plots as SVG that a document shows as an image: it follows the reader's light or dark theme
// by itself, and needs no font and no script.
import { scaleLinear, scaleLog } from 'd3-scale'
import { formatNumber } from './format.ts'
import type { Axis, BarPlot, Line, LinePlot } from './section.ts'

const WIDTH = 760
const FONT = 12
const BAR_HEIGHT = 24
const AREA = { left: 64, right: WIDTH - 170, top: 16, bottom: 330 }
const US = 'Flushout'
// Beside our own, in the order in which they come.
const HUES = 7

const STYLE = `
  svg { color-scheme: light dark }
  text { font: ${FONT}px system-ui, sans-serif; fill: #3d444d }
  .axis { stroke: #d1d9e0; stroke-width: 1 }
  .name { fill: #1f2328 }
  .us { font-weight: 700 }
  path { fill: none; stroke-width: 1.75 }
  path.us { stroke-width: 3.5 }
  .hue0 { --hue: #0969da } .hue1 { --hue: #8a4600 } .hue2 { --hue: #1a7f37 } .hue3 { --hue: #8250df }
  .hue4 { --hue: #bf3989 } .hue5 { --hue: #57606a } .hue6 { --hue: #9a6700 } .hue7 { --hue: #cf222e }
  path, circle.edge { stroke: var(--hue) }
  circle, rect.bar, text.end { fill: var(--hue) }
  @media (prefers-color-scheme: dark) {
    text { fill: #c4ccd5 }
    .axis { stroke: #3d444d }
    .name { fill: #f0f6fc }
    .hue0 { --hue: #58a6ff } .hue1 { --hue: #f0883e } .hue2 { --hue: #3fb950 } .hue3 { --hue: #bc8cff }
    .hue4 { --hue: #f778ba } .hue5 { --hue: #9198a1 } .hue6 { --hue: #d29922 } .hue7 { --hue: #ff7b72 }
  }`

export function drawPlot(title: string, plot: LinePlot | BarPlot): string {
  const { height, body } = 'lines' in plot ? drawLines(plot) : drawBars(plot)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    ...body,
    '</svg>\n',
  ].join('\n')
}

interface Drawing {
  readonly height: number
  readonly body: readonly string[]
}

function drawLines({ x, y, lines }: LinePlot): Drawing {
  const all = lines.flatMap(({ points }) => points)
  const toX = makeScale(
    x,
    all.map(([value]) => value),
    [AREA.left, AREA.right],
  )
  const toY = makeScale(
    y,
    all.map(([, value]) => value),
    [AREA.bottom, AREA.top],
  )
  const grid = [
    ...ticksOf(toY).map(
      (value) =>
        `<path class="axis" d="M${AREA.left} ${round(toY(value))}H${AREA.right}"/>` +
        text(AREA.left - 8, toY(value) + 4, formatNumber(value), 'end'),
    ),
    ...ticksOf(toX).map((value) =>
      text(toX(value), AREA.bottom + 20, formatNumber(value), 'middle'),
    ),
    text(AREA.right, AREA.bottom + 40, nameOf(x), 'end'),
    text(8, AREA.bottom + 40, nameOf(y), 'start'),
  ]
  const ends = spread(lines.map(({ points }) => toY(points.at(-1)![1])))
  const drawn = lines.map((line, index) => {
    const spots = line.points.map(([a, b]) => [round(toX(a)), round(toY(b))] as const)
    const path = `<path class="${classOf(line, index)}" d="M${spots.map((spot) => spot.join(' ')).join('L')}"/>`
    const dots = spots.map(
      ([cx, cy]) => `<circle class="${classOf(line, index)}" cx="${cx}" cy="${cy}" r="3"/>`,
    )
    const from = spots.at(-1)![0] + 10
    const name = `<text class="end ${classOf(line, index)}" x="${from}" y="${round(ends[index]! + 4)}">${escape(line.name)}</text>`
    return [path, ...dots, name].join('')
  })
  return { height: AREA.bottom + 52, body: [...grid, ...drawn] }
}

function drawBars({ x, bars }: BarPlot): Drawing {
  const left = 220
  const right = WIDTH - 90
  const values = bars.map(({ value }) => value)
  const isLog = !x.isLinear
  const toX = isLog
    ? scaleLog()
        .domain([10 ** Math.floor(Math.log10(Math.min(...values) * 0.999)), Math.max(...values)])
        .range([left, right])
    : scaleLinear()
        .domain([0, Math.max(...values)])
        .range([left, right])
  const drawn = bars.map((bar, index) => {
    const top = 8 + index * BAR_HEIGHT
    const end = round(toX(bar.value))
    const hue = bar.name.startsWith(US) ? 'hue0' : 'hue5'
    return [
      text(left - 8, top + 15, bar.name, 'end', bar.name.startsWith(US) ? 'name us' : 'name'),
      `<rect class="bar ${hue}" x="${left}" y="${top + 2}" width="${round(Math.max(end - left, 1))}" height="${BAR_HEIGHT - 6}"/>`,
      text(end + 6, top + 15, formatNumber(bar.value), 'start'),
    ].join('')
  })
  const bottom = 8 + bars.length * BAR_HEIGHT
  const scale = isLog ? ', each step ten times the one before' : ''
  return {
    height: bottom + 26,
    body: [...drawn, text(left, bottom + 16, `${nameOf(x)}${scale}`, 'start')],
  }
}

type Scale = ((value: number) => number) & { ticks(count?: number): number[]; domain(): number[] }

function makeScale(axis: Axis, values: readonly number[], range: [number, number]): Scale {
  if (axis.isLinear)
    return scaleLinear()
      .domain([0, Math.max(...values)])
      .nice()
      .range(range)
  const low = Math.min(...values)
  const high = Math.max(...values)
  return scaleLog()
    .domain([10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high))])
    .range(range)
}

/** Of a logarithmic scale only the powers of ten. */
function ticksOf(scale: Scale): number[] {
  const ticks = scale.ticks(6)
  const powers = ticks.filter((value) => value > 0 && Number.isInteger(Math.log10(value)))
  return 'base' in scale ? powers : ticks
}

/** Move names that would cover each other apart, and keep their order. */
function spread(at: readonly number[]): number[] {
  const order = at.map((_, index) => index).sort((a, b) => at[a]! - at[b]!)
  const moved = [...at]
  for (let pass = 0; pass < 50; pass += 1) {
    for (let n = 1; n < order.length; n += 1) {
      const [upper, lower] = [order[n - 1]!, order[n]!]
      const missing = FONT + 3 - (moved[lower]! - moved[upper]!)
      if (missing <= 0) continue
      moved[upper]! -= missing / 2
      moved[lower]! += missing / 2
    }
  }
  return moved.map((value) => Math.min(Math.max(value, AREA.top), AREA.bottom))
}

function classOf({ name }: Line, index: number): string {
  return name.startsWith(US) ? 'hue0 us' : `hue${1 + (index % HUES)}`
}

function nameOf({ name, unit }: Axis): string {
  return unit === '' ? name : `${name}, ${unit}`
}

function text(x: number, y: number, content: string, anchor: string, kind = ''): string {
  const named = kind === '' ? '' : ` class="${kind}"`
  return `<text${named} x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escape(content)}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(value: string): string {
  return value.replace(/&/g, '&amp;').replace(/</g, '&lt;')
}
