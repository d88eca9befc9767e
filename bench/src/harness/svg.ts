// Pieces of an SVG that a document shows as an image: it follows the reader's light or dark theme
// by itself, and needs no font and no script.

export const WIDTH = 760
export const FONT_SIZE = 12
/** Our own name; whatever begins with it stands out. */
const US = 'Flushout'
const OUR_HUE = 0
const HUES = {
  light: '#0969da #8a4600 #1a7f37 #8250df #bf3989 #57606a #9a6700 #cf222e #0b7a75 #5b4b00',
  dark: '#58a6ff #f0883e #3fb950 #bc8cff #f778ba #9198a1 #d29922 #ff7b72 #39c5bb #e3d27a',
}
const HUE_COUNT = HUES.light.split(' ').length

const STYLE = `
  text { font: ${FONT_SIZE}px system-ui, sans-serif; fill: #3d444d }
  text.us { font-weight: 700 }
  path { fill: none; stroke-width: 1.75; stroke: var(--hue) }
  path.us { stroke-width: 3.5 }
  path.again { stroke-dasharray: 6 4 }
  path.grid { stroke: #d1d9e0; stroke-width: 1 }
  circle, rect, .hued { fill: var(--hue) }
  ${listHues(HUES.light)}
  @media (prefers-color-scheme: dark) {
    text { fill: #c4ccd5 }
    path.grid { stroke: #3d444d }
    ${listHues(HUES.dark)}
  }`

/** What is drawn, and how high it is; all drawings are equally wide. */
export interface Drawing {
  readonly height: number
  readonly body: readonly string[]
}

export function toSvg(title: string, { height, body }: Drawing): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    ...body,
    '</svg>\n',
  ].join('\n')
}

export function text(
  x: number,
  y: number,
  content: string,
  { anchor = 'start', kind = '' }: { anchor?: 'start' | 'middle' | 'end'; kind?: string } = {},
): string {
  const named = kind === '' ? '' : ` class="${kind}"`
  return `<text${named} x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escape(content)}</text>`
}

/** The class of what is called `name`, the `index`th of its kind. When all hues are taken, they come again as dashes. */
export function classOf(name: string, index: number): string {
  if (name.startsWith(US)) return `hue${OUR_HUE} us`
  const others = HUE_COUNT - 1
  return `hue${1 + (index % others)}${index < others ? '' : ' again'}`
}

export function isUs(name: string): boolean {
  return name.startsWith(US)
}

export function round(value: number): number {
  return Math.round(value * 10) / 10
}

function listHues(hues: string): string {
  return hues
    .split(' ')
    .map((hue, index) => `.hue${index} { --hue: ${hue} }`)
    .join(' ')
}

function escape(value: string): string {
  return value.replace(/&/g, '&amp;').replace(/</g, '&lt;')
}
