/**
 * Milliseconds on a clock that all processes of a machine share and nobody sets:
 * a time read in one of them can be taken from a time read in another.
 */
export function readClock(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
