// `npm run bench` runs all benchmarks, `npm run bench -- edit` one of them; `--json <file>` for
// machines, `--profile <folder>` to see where the time goes, `--publish` to put the figures
// into docs/performance.md.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { catalogue } from './harness/catalogue.ts'
import { isKept, type Section } from './harness/section.ts'
import { print } from './harness/print.ts'
import { publish } from './harness/publish.ts'
import { readCircumstances } from './harness/machine.ts'
import { writeResult, type Result } from './harness/result.ts'

const RUN_ONE = fileURLToPath(new URL('harness/run-one.ts', import.meta.url))
const NODE_OPTIONS = ['--conditions=@flushout/source', '--expose-gc', '--no-warnings']

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'string' },
    profile: { type: 'string' },
    publish: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const unknown = positionals.find((name) => !Object.hasOwn(catalogue, name))
if (unknown !== undefined) {
  const names = Object.keys(catalogue).join(', ')
  console.error(`There is no benchmark "${unknown}"; there are ${names}.`)
  process.exit(1)
}
if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true })

let running: ChildProcess | undefined
let isStopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    isStopped = true
    running?.send('stop')
  })
}

const results: Result[] = []
for (const name of positionals.length > 0 ? positionals : Object.keys(catalogue)) {
  const circumstances = readCircumstances()
  if (results.length === 0) console.log(circumstances.machine)
  console.log(`\n# ${name} (load before: ${circumstances.load})`)
  const sections = await runOne(name)
  if (isStopped) break
  if (!sections) {
    process.exitCode = 1
    continue
  }
  const result: Result = { name, ...circumstances, sections }
  results.push(result)
  for (const section of sections) print(section)
  if (values.publish) {
    writeResult(result)
    publish()
  }
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, undefined, 2))

const goals = results.flatMap(({ sections }) => sections.flatMap((section) => section.goals ?? []))
if (goals.length > 0) {
  console.log(`\n${goals.filter(isKept).length} of ${goals.length} goals are kept.`)
}
if (isStopped) process.exitCode = 130

/** Each has a process of its own: none inherits the heap of another, nor what was compiled for it. */
async function runOne(name: string): Promise<readonly Section[] | undefined> {
  const folder = values.profile === undefined ? undefined : resolve(values.profile)
  const profile = folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
  const child = fork(RUN_ONE, folder === undefined ? [name] : [name, folder], {
    execArgv: [...NODE_OPTIONS, ...profile],
    serialization: 'advanced',
    // Ctrl-C reaches this process alone, which tells the other.
    detached: true,
  })
  running = child
  let sections: readonly Section[] | undefined
  child.on('message', (message: readonly Section[]) => (sections = message))
  await once(child, 'close')
  return sections
}
