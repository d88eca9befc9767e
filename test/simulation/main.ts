// npm run simulate -- --seeds 100000 --seed 1 [--postgres] [--mutant <name>] [--all]
//
// One seed alone is told with its whole trace. Many end with the first that fails,
// unless all are wanted.
import { parseArgs } from 'node:util'
import { startPostgres } from '../support/postgres.ts'
import { mutants } from './mutants.ts'
import { simulate } from './pool.ts'
import { describeFailure, describeTally } from './report.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string' },
    postgres: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
})
const from = Number(values.seed)
const count = Number(values.seeds ?? 1)
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1) {
  throw new Error('--seed and --seeds are whole numbers.')
}
const mutant = mutants.find(({ name }) => name === values.mutant)
if (values.mutant !== undefined && !mutant) {
  throw new Error(
    `There is no mutant "${values.mutant}"; there are:\n${mutants.map(({ name }) => name).join('\n')}`,
  )
}
const needsPostgres = values.postgres || mutant?.database === 'postgres'
const postgres = needsPostgres ? await startPostgres({ fsync: false }) : undefined
const start = performance.now()
let told = start
const onProgress = (runs: number) => {
  if (performance.now() - told < 5_000) return
  told = performance.now()
  console.error(`${runs} of ${count} seeds, ${Math.round((told - start) / 1000)} s`)
}
try {
  const postgresUrl = postgres?.url
  const tally = await simulate({
    from,
    count,
    postgresUrl,
    mutant,
    isExhaustive: values.all,
    batch: Math.max(1, Math.min(250, Math.ceil(count / 8))),
    onProgress: ({ runs }) => onProgress(runs),
  })
  const { failure } = tally
  const on = `${needsPostgres ? ' --postgres' : ''}${mutant ? ` --mutant '${mutant.name}'` : ''}`
  if (failure) console.log(describeFailure(failure, on))
  else if (count === 1) console.log(tally.trace.join('\n'))
  console.log(`\n${describeTally(tally, (performance.now() - start) / 1000)}`)
  if (tally.failed.length > 1)
    console.log(`\n${tally.failed.length} failed: ${tally.failed.join(' ')}`)
  process.exitCode = failure ? 1 : 0
} finally {
  await postgres?.stop()
}
