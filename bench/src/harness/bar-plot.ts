import { makeScale, nameOf } from './axis.ts'
import { formatNumber } from './format.ts'
import type { BarPlot } from './section.ts'
import { isUs, round, text, WIDTH, type Drawing } from './svg.ts'

const HEIGHT = 24
const LEFT = 220
const RIGHT = WIDTH - 90

export function drawBars({ x, bars }: BarPlot): Drawing {
  const toX = makeScale(
    x,
    bars.map(({ value }) => value),
    [LEFT, RIGHT],
  )
  const bottom = 8 + bars.length * HEIGHT
  const grid = toX.marks.flatMap((value) => [
    `<path class="grid" d="M${round(toX(value))} 4V${bottom}"/>`,
    text(toX(value), bottom + 16, formatNumber(value), { anchor: 'middle' }),
  ])
  const drawn = bars.flatMap(({ name, value }, index) => {
    const top = 8 + index * HEIGHT
    const end = toX(value)
    const [hue, kind] = isUs(name) ? ['hue0', 'us'] : ['hue5', '']
    return [
      text(LEFT - 8, top + 15, name, { anchor: 'end', kind }),
      `<rect class="${hue}" x="${LEFT}" y="${top + 2}" width="${round(Math.max(end - LEFT, 1))}" height="${HEIGHT - 6}"/>`,
      text(end + 6, top + 15, formatNumber(value)),
    ]
  })
  const title = text(LEFT, bottom + 36, nameOf(x))
  return { height: bottom + 46, body: [...grid, ...drawn, title] }
}
