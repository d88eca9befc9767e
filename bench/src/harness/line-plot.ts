import { makeScale, nameOf } from './axis.ts'
import { formatNumber } from './format.ts'
import type { Line, LinePlot } from './section.ts'
import { classOf, FONT_SIZE, round, text, WIDTH, type Drawing } from './svg.ts'

const AREA = { left: 78, right: WIDTH - 170, top: 16, bottom: 330 }

export function drawLines({ x, y, lines }: LinePlot): Drawing {
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
  const rows = toY.marks.flatMap((value) => [
    `<path class="grid" d="M${AREA.left} ${round(toY(value))}H${AREA.right}"/>`,
    text(AREA.left - 8, toY(value) + 4, formatNumber(value), { anchor: 'end' }),
  ])
  const columns = toX.marks.map((value) =>
    text(toX(value), AREA.bottom + 20, formatNumber(value), { anchor: 'middle' }),
  )
  const names = [
    text(8, AREA.bottom + 40, nameOf(y)),
    text(AREA.right, AREA.bottom + 40, nameOf(x), { anchor: 'end' }),
  ]
  const ends = spread(lines.map(({ points }) => toY(points.at(-1)![1])))
  const drawn = lines.flatMap((line, index) => {
    const kind = classOf(line.name, index)
    const spots = line.points.map(([a, b]) => [round(toX(a)), round(toY(b))] as const)
    return drawLine(line, kind, spots, ends[index]!)
  })
  return { height: AREA.bottom + 52, body: [...rows, ...columns, ...names, ...drawn] }
}

type Spot = readonly [x: number, y: number]

function drawLine({ name }: Line, kind: string, spots: readonly Spot[], nameAt: number): string[] {
  return [
    `<path class="${kind}" d="M${spots.map((spot) => spot.join(' ')).join('L')}"/>`,
    ...spots.map(([x, y]) => `<circle class="${kind}" cx="${x}" cy="${y}" r="3"/>`),
    text(AREA.right + 10, nameAt + 4, name, { kind: `hued ${kind}` }),
  ]
}

/** Move names that would cover each other apart, and keep their order. */
function spread(at: readonly number[]): number[] {
  const order = at.map((_, index) => index).sort((a, b) => at[a]! - at[b]!)
  const moved = [...at]
  for (let pass = 0; pass < 50; pass += 1) {
    for (let n = 1; n < order.length; n += 1) {
      const [upper, lower] = [order[n - 1]!, order[n]!]
      const missing = FONT_SIZE + 3 - (moved[lower]! - moved[upper]!)
      if (missing <= 0) continue
      moved[upper]! -= missing / 2
      moved[lower]! += missing / 2
    }
  }
  // All of them as far up or down as the outermost needs.
  const up = Math.max(0, Math.max(...moved) - AREA.bottom)
  const down = Math.max(0, AREA.top - Math.min(...moved))
  return moved.map((value) => value - up + down)
}
