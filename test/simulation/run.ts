import { MemoryDatabase } from './memory-database.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { createTally, type Batch, type Tally } from './tally.ts'
import { World, type Report } from './world.ts'

/** Each of so many runs is made twice. */
const REPEAT_EVERY = 100

/** Run the seeds of a batch until one fails. */
export async function runBatch({ from, count, postgresUrl, isExhaustive }: Batch): Promise<Tally> {
  const tally = createTally()
  const postgres = postgresUrl === undefined ? undefined : new PostgresDatabase(postgresUrl)
  await postgres?.store.migrate()
  try {
    for (let seed = from; seed < from + count; seed += 1) {
      if (tally.failure && !isExhaustive) break
      const isRepeated = seed % REPEAT_EVERY === 0
      let report = await runSeed(seed, postgres, isRepeated || count === 1)
      // Told only now, since most runs are never read about.
      if (report.violation && !report.trace.length) report = await runSeed(seed, postgres, true)
      addReport(tally, report)
      if (isRepeated) await repeat(tally, report, postgres)
    }
  } finally {
    await postgres?.close()
  }
  return tally
}

let worlds = 0

/** One run. On Postgres its models have names of their own. */
async function runSeed(
  seed: number,
  postgres: PostgresDatabase | undefined,
  isTold: boolean,
): Promise<Report> {
  worlds += 1
  const prefix = postgres ? `run-${process.pid}-${worlds}` : 'todos'
  const database = postgres ?? new MemoryDatabase()
  const report = await new World({ seed, database, prefix, isTold }).run()
  const { trace, violation } = report
  if (violation) violation.message = violation.message.replaceAll(prefix, 'todos')
  return { ...report, trace: trace.map((line) => line.replaceAll(prefix, 'todos')) }
}

function addReport(
  tally: Tally,
  { seed, violation, trace, faults, events, edits, convergedMs }: Report,
): void {
  tally.runs += 1
  tally.trace = trace
  tally.events += events
  tally.edits += edits
  tally.slowestMs = Math.max(tally.slowestMs, convergedMs)
  for (const [fault, count] of faults) tally.faults[fault]! += count
  if (!violation) return
  tally.failed.push(seed)
  tally.failure ??= { seed, message: violation.message, trace }
}

/** Make a run once more: a seed must always tell the same story. */
async function repeat(
  tally: Tally,
  { seed, trace }: Report,
  postgres: PostgresDatabase | undefined,
): Promise<void> {
  const again = await runSeed(seed, postgres, true)
  tally.repeated += 1
  const line = again.trace.findIndex((text, index) => text !== trace[index])
  if (line === -1 && again.trace.length === trace.length) return
  const message = `the same seed told another story from line ${line + 1}:
  expected: ${trace[line] ?? 'the end'}
  found: ${again.trace[line] ?? 'the end'}`
  tally.failure ??= { seed, message, trace }
}
