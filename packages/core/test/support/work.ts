import { Session } from 'node:inspector/promises'
import { setFlagsFromString } from 'node:v8'

/**
 * How often the blocks of core's sources are run by `run`: a measure of time that
 * is the same on every machine, however busy. What V8 does by itself is not
 * counted, so `run` should spend its time in loops and calls.
 */
export async function countWork(run: () => void): Promise<number> {
  // Compiled code counts only part of what it does.
  for (const flag of ['--no-opt', '--no-maglev', '--no-sparkplug']) setFlagsFromString(flag)
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    run()
    const { result } = await session.post('Profiler.takePreciseCoverage')
    const ranges = result
      .filter(({ url }) => url.includes('/packages/core/src/'))
      .flatMap(({ functions }) => functions.flatMap((one) => one.ranges))
    return ranges.reduce((sum, { count }) => sum + count, 0)
  } finally {
    session.disconnect()
    for (const flag of ['--opt', '--maglev', '--sparkplug']) setFlagsFromString(flag)
  }
}
