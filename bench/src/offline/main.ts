// `npm run bench:offline`: how soon a page shows what the device keeps, in Chromium.
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { findChromium } from '../../../test/support/chromium.ts'
import { median, percentile, printTable } from '../measure.ts'
import { startFromDisk } from './start-from-disk.ts'

const TIMES = 30
const GOAL_MS = 100

const load = loadavg()[0]!
// A profile on disk: what a private window stores is in memory.
const folder = await mkdtemp(join(tmpdir(), 'flushout-bench-'))
await using profile = new AsyncDisposableStack()
profile.defer(() => rm(folder, { recursive: true, force: true }))
const context = profile.use(await chromium.launchPersistentContext(folder, await findChromium()))
console.log(
  `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}, Chromium ${context.browser()?.version()} (load before: ${load.toFixed(1)})`,
)
console.log(`\n# from createClient to the first read, no server, 40 unsent edits, ${TIMES} pages\n`)

const rows = [['document', 'median', 'p95', 'of which rows read', 'goal']]
for (const [size, goal] of [
  [100_000, GOAL_MS],
  [1_000_000, undefined],
] as const) {
  const { bytes, opened, rows: read } = await startFromDisk(context, { bytes: size, times: TIMES })
  rows.push([
    `${Math.round(bytes / 1000).toLocaleString('en')} KB`,
    `${median(opened).toFixed(1)} ms`,
    `${percentile(opened, 95).toFixed(1)} ms`,
    `${median(read).toFixed(1)} ms`,
    goal === undefined ? '' : `${goal} ms: ${median(opened) <= goal ? 'kept' : 'missed'}`,
  ])
}
printTable(rows)
