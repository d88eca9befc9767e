import { drawBars } from './bar-plot.ts'
import { drawLines } from './line-plot.ts'
import type { BarPlot, LinePlot } from './section.ts'
import { toSvg } from './svg.ts'

/** The plot as an SVG file. */
export function drawPlot(title: string, plot: LinePlot | BarPlot): string {
  return toSvg(title, 'lines' in plot ? drawLines(plot) : drawBars(plot))
}
