import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { runOn } from '../../../../test/support/postgres.ts'
import { compareAndAppend, createLogTables, prepareAppend } from './log-tables.ts'
import { createPool } from './pool.ts'
import { demandAll, inProcess, type Scheme } from './scheme.ts'
import { MODELS, ZIPF_EXPONENT, type Spread } from './spread.ts'

const execute = promisify(execFile)
// Where Debian puts it beside each version of Postgres.
const INSTALLED = '/usr/lib/postgresql'
const COMMANDS_TEXT = JSON.stringify([
  { action: 'update', path: ['todos', 't0'], props: { text: 'by 0' } },
  { action: 'update', path: ['todos', 't1'], props: { done: true } },
])
const SETTINGS = ['count=0', 'sequence=0', 'client=writer']
const HASH = '0123456789012345678901'

/**
 * What the database gives to whoever commits each flush by itself, with nothing done in between:
 * the statement of one who stores one at a time, sent by Postgres's own load generator.
 */
export async function createPgbench(url: string): Promise<Scheme> {
  await runOn(url, createLogTables('limit_of'))
  const program = await findProgram()
  return program === undefined ? sendByNode(url) : sendByPgbench(url, program)
}

/** As good as it gets without the program: connections of this process. */
function sendByNode(url: string): Scheme {
  const pool = createPool(url, 64)
  const append = prepareAppend('limit_of')
  let sequence = 0
  return inProcess('pgbench is not here: the same statement by node-postgres', {
    async flush(key) {
      sequence += 1
      const commands = COMMANDS_TEXT
      await pool.query(append({ key, count: 0, hash: HASH, client: 'writer', sequence, commands }))
    },
    countCommands: () => countCommands(url),
    close: () => pool.end(),
  })
}

async function findProgram(): Promise<string | undefined> {
  const versions = await readdir(INSTALLED).catch(() => [])
  const paths = versions.map((version) => join(INSTALLED, version, 'bin', 'pgbench'))
  for (const path of ['pgbench', ...paths]) {
    if (await execute(path, ['--version']).catch(() => undefined)) return path
  }
  return undefined
}

async function countCommands(url: string): Promise<number> {
  const [row] = await runOn(url, 'select sum(command_count)::float8 as count from limit_of_model')
  return row!['count'] as number
}

async function sendByPgbench(url: string, program: string): Promise<Scheme> {
  const folder = await mkdtemp(join(tmpdir(), 'flushout-pgbench-'))
  let flushes = 0
  return {
    name: 'pgbench',
    async run(writers, forMs, spread) {
      const script = join(folder, `${spread}.sql`)
      await writeFile(script, writeScript(spread))
      const logs = await mkdtemp(join(folder, 'logs-'))
      // Its time begins before it has connected, which takes a while for many.
      const seconds = Math.ceil(forMs / 1000) + (writers > 1 ? 1 : 0)
      const settings = [`commands=${COMMANDS_TEXT}`, `hash=${HASH}`, ...SETTINGS]
      const options = [
        `-n -M prepared -T ${seconds} -c ${writers} -j ${Math.min(2, writers)} -l`.split(' '),
        [`--log-prefix=${join(logs, 'log')}`, '-f', script],
        settings.flatMap((setting) => ['-D', setting]),
      ]
      const { stdout } = await execute(program, [...options.flat(), url])
      const perSecond = Number(/tps = ([\d.]+)/.exec(stdout)?.[1])
      const times = await readTimes(logs)
      flushes += times.length
      return { perSecond, times, tries: times.length }
    },
    readCpu: async () => undefined,
    check: async () => demandAll('pgbench', await countCommands(url), flushes),
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

const RANDOM: Record<Spread, string> = {
  one: '0',
  even: `random(0, ${MODELS - 1})`,
  zipf: `random_zipfian(1, ${MODELS}, ${ZIPF_EXPONENT}) - 1`,
}

function writeScript(spread: Spread): string {
  const append = compareAndAppend('limit_of', (name, type) => `:${name}::${type}`)
  return [`\\set key ${RANDOM[spread]}`, '\\set sequence :sequence + 1', `${append};\n`].join('\n')
}

/** How long each took, in milliseconds, shortest first. */
async function readTimes(logs: string): Promise<number[]> {
  const files = await readdir(logs)
  const texts = await Promise.all(files.map((file) => readFile(join(logs, file), 'utf8')))
  const lines = texts.flatMap((text) => text.split('\n')).filter(Boolean)
  return lines.map((line) => Number(line.split(' ')[2]) / 1000).sort((a, b) => a - b)
}
