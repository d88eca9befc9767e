// What a benchmark says: tables of numbers, with what they should be and how they grow.
// The terminal, the file for machines and the documents all write the same sections.

/** What a number counts. Times and sizes of one column share a unit, so that they compare at a glance. */
export type Unit = 'µs' | 'ms' | 's' | '/s' | 'B' | 'KB' | 'MB' | '×' | '%' | ''

export interface Column {
  readonly name: string
  readonly unit: Unit
}

export interface Row {
  readonly name: string
  /** One for each column; undefined where there is nothing to measure. */
  readonly values: readonly (number | undefined)[]
}

/** What a figure should be. Exactly one of `atMost` and `atLeast` is there. */
export interface Goal {
  readonly what: string
  readonly value: number
  readonly unit: Unit
  readonly atMost?: number
  readonly atLeast?: number
}

export interface Axis {
  readonly name: string
  readonly unit: Unit
  /** Logarithmic unless said otherwise: what is compared here differs by powers of ten. */
  readonly isLinear?: boolean
}

export interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** How something grows. The line or bar called `Flushout` stands out. */
export interface LinePlot {
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly Line[]
}

/** How different things are: a bar for each. */
export interface BarPlot {
  readonly x: Axis
  readonly bars: readonly { readonly name: string; readonly value: number }[]
}

export interface Section {
  /** Of this benchmark alone, in kebab-case: names the plot's file and the place in the document. */
  readonly id: string
  /** What was measured, as a sentence without a full stop. */
  readonly title: string
  /** What the first column holds: `todos`, or nothing. */
  readonly rowsAre?: string
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  readonly goals?: readonly Goal[]
  readonly plot?: LinePlot | BarPlot
}

/** What a benchmark's module exports. */
export interface Benchmark {
  run(context: Context): Promise<readonly Section[]>
}

export interface Context {
  /** Aborted by Ctrl-C: whoever started something stops it. */
  readonly signal: AbortSignal
  /** Where to write profiles of other processes, when they are wanted. */
  readonly profileFolder?: string | undefined
}

export function isKept({ value, atMost, atLeast }: Goal): boolean {
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? 0)
}
