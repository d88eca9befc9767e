// `npm run bench:live` runs all, `npm run bench:live -- crowd` one of them;
// `--json` for machines, `--profile <folder>` to see where the server's time goes.
import { mkdirSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { printTable } from '../measure.ts'
import { runBroadcast } from './broadcast.ts'
import { runConnections } from './connections.ts'
import { runCrowd } from './crowd.ts'
import { formatValue, type Figure } from './figure.ts'
import { runRestart } from './restart.ts'
import { Stage } from './stage.ts'
import { runTeam, runTeams } from './team.ts'

interface Benchmark {
  readonly title: string
  readonly run: (stage: Stage) => Promise<Figure[]>
}

const benchmarks: { readonly [name: string]: Benchmark } = {
  team: { title: '100 clients on 20 models, 100 changes a second', run: runTeam },
  teams: { title: 'the same over two servers', run: runTeams },
  crowd: { title: '1,000 streams on one model, 20 changes a second', run: runCrowd },
  connections: { title: '20,000 clients, each active once in 30 s', run: runConnections },
  broadcast: { title: 'one change to 10,000 readers', run: runBroadcast },
  restart: { title: '1,000 clients, and a server that is killed', run: runRestart },
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean' }, profile: { type: 'string' } },
  allowPositionals: true,
})
const unknown = positionals.find((name) => !Object.hasOwn(benchmarks, name))
if (unknown !== undefined) {
  console.error(
    `There is no benchmark "${unknown}"; there are ${Object.keys(benchmarks).join(', ')}.`,
  )
  process.exit(1)
}
if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true })

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.abort())

const results = []
const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}, Node ${process.versions.node}`
if (!values.json) console.log(machine)
for (const name of positionals.length > 0 ? positionals : Object.keys(benchmarks)) {
  const { title, run } = benchmarks[name]!
  const load = loadavg()[0]!
  if (!values.json) console.log(`\n# ${name}: ${title} (load before: ${load.toFixed(1)})\n`)
  try {
    const figures = await play(run)
    results.push({ name, title, load, figures })
    if (!values.json) print(figures)
  } catch (error) {
    console.error(
      stopped.signal.aborted ? 'Stopped.' : `${name} failed: ${(error as Error).message}`,
    )
    process.exitCode = stopped.signal.aborted ? 130 : 1
  }
  if (stopped.signal.aborted) break
}
if (values.json) console.log(JSON.stringify({ machine, results }, undefined, 2))

async function play(run: Benchmark['run']): Promise<Figure[]> {
  const profileFolder = values.profile === undefined ? undefined : resolve(values.profile)
  const stage = await Stage.open({ signal: stopped.signal, profileFolder })
  try {
    return await run(stage)
  } finally {
    await stage.close()
  }
}

function print(figures: readonly Figure[]): void {
  printTable([
    ['', 'measured', 'goal', ''],
    ...figures.map(({ name, value, unit, goal }) => [
      name,
      formatValue(value, unit),
      goal === undefined ? '' : formatValue(goal, unit),
      goal === undefined ? '' : value <= goal ? 'kept' : 'missed',
    ]),
  ])
}
