// Clients that each change something once in 30 seconds, ten on each model: how what they
// take grows with how many there are, and how often they may write before it is too much.
import { execFileSync } from 'node:child_process'
import type { Column, Context, Row, Section } from '../harness/section.ts'
import { delayColumns, delayGoal, delayValues } from './delays.ts'
import type { Seen } from './generator-main.ts'
import type { Memory } from './process-api.ts'
import { withStage, type Crowd, type Server, type Stage, type Usage } from './stage.ts'

/** In one process. */
const MOST = 20_000
const CLIENTS_A_MODEL = 10
const ROUND_MS = 30_000
const GOAL_MS = 500
const GOAL_KB = 20
/** Files that a server has open besides its streams. */
const OTHER_FILES = 200
/** How busy a process may be, in percent of a core, and be quick. */
const BUSY = 70

interface Step {
  readonly name: string
  readonly clients: number
  readonly servers: number
  /** Whether it is also measured while nobody writes, and while they write more often. */
  readonly isWhole?: boolean
}

interface Outcome extends Step {
  readonly connectMs: number
  /** Bytes for each connection. */
  readonly resident: number
  readonly heap: number
  /** While nobody writes. */
  readonly idle: Usage | undefined
  readonly paces: readonly Pace[]
}

/** What became of writing so often. */
interface Pace {
  readonly perSecond: number
  readonly seen: readonly Seen[]
  readonly usage: Usage
}

export async function run(context: Context): Promise<Section[]> {
  const most = countPossible()
  const steps: Step[] = [
    { name: toText(most / 4), clients: most / 4, servers: 1 },
    { name: toText(most / 2), clients: most / 2, servers: 1 },
    { name: toText(most), clients: most, servers: 1, isWhole: true },
    { name: '24,000 over two servers', clients: 24_000, servers: 2 },
  ]
  const outcomes: Outcome[] = []
  for (const step of steps) {
    outcomes.push(await withStage(context, (stage) => play(stage, step)))
  }
  const single = outcomes.filter(({ servers }) => servers === 1)
  return [
    clientsSection(outcomes),
    idleSection(outcomes),
    paceSection(single.at(-1)!),
    manySection(single, most),
  ]
}

async function play(stage: Stage, step: Step): Promise<Outcome> {
  const { clients, isWhole } = step
  const servers: Server[] = []
  while (servers.length < step.servers) servers.push(await stage.startServer())
  const models = clients / CLIENTS_A_MODEL
  const crowd: Crowd = { clients, models, servers, processes: 4 }
  await stage.prepare(crowd)
  const before = await readMemory(servers)
  const start = performance.now()
  await stage.connect(crowd)
  const connectMs = performance.now() - start
  // What was needed for connecting only is given back.
  await stage.wait(2000)
  const after = await readMemory(servers)
  const watch = (name: string, work: () => Promise<void>) =>
    stage.watch(servers, `connections ${step.name}, ${name}`, work)
  // As long as it takes until everybody had a heartbeat.
  const idle = isWhole ? await watch('idle', () => stage.wait(20_000)) : undefined

  const write = { perSecond: (clients * 1000) / ROUND_MS, characters: 40 }
  await stage.write({ ...write, forMs: 2000 })
  await stage.settle(servers[0]!)
  await stage.collect()
  const paces: Pace[] = []
  for (const times of isWhole ? [1, 2] : [1]) {
    const perSecond = write.perSecond * times
    const task = { ...write, perSecond, forMs: 10_000 }
    const usage = await watch(`${times} times`, () => stage.write(task))
    await stage.settle(servers[0]!)
    paces.push({ perSecond, usage, seen: await stage.collect() })
  }
  const each = (what: keyof Memory) => (after[what] - before[what]) / clients
  return { ...step, connectMs, resident: each('rss'), heap: each('heap'), idle, paces }
}

/** What all servers take. */
async function readMemory(servers: readonly Server[]): Promise<Memory> {
  const all = await Promise.all(servers.map(({ child }) => child.call('readMemory')))
  const sum = (what: keyof Memory) => all.reduce((total, memory) => total + memory[what], 0)
  return { rss: sum('rss'), used: sum('used'), heap: sum('heap') }
}

const usageColumns: readonly Column[] = [
  { name: 'processor of servers', unit: '%' },
  { name: 'of Postgres', unit: '%' },
  { name: 'of clients', unit: '%' },
]

function usageValues({ servers, postgres, load }: Usage): number[] {
  return [servers, postgres, load]
}

function clientsSection(outcomes: readonly Outcome[]): Section {
  const firsts = outcomes.map(({ paces }) => paces[0]!)
  // Two servers both read what one of them stored: another line.
  const single = outcomes.filter(({ servers }) => servers === 1)
  const lineOf = (name: string, of: keyof Usage) => ({
    name,
    points: single.map(({ clients, paces }) => [clients, paces[0]!.usage[of]] as const),
  })
  return {
    id: 'clients',
    title: 'Clients that each change something once in 30 seconds, ten on each model',
    rowsAre: 'clients',
    columns: [{ name: 'connected in', unit: 's' }, ...delayColumns, ...usageColumns],
    rows: outcomes.map(({ name, connectMs }, index): Row => {
      const { seen, usage } = firsts[index]!
      return { name, values: [connectMs / 1000, ...delayValues(seen), ...usageValues(usage)] }
    }),
    goals: outcomes
      .slice(-2)
      .map(({ name, paces }) => delayGoal(name, paces[0]!.seen, 95, GOAL_MS)),
    plot: {
      x: { name: 'clients', unit: '', isLinear: true },
      y: { name: 'of a processor', unit: '%', isLinear: true },
      lines: [
        lineOf('Flushout', 'servers'),
        lineOf('Postgres', 'postgres'),
        lineOf('clients', 'load'),
      ],
    },
  }
}

function idleSection(outcomes: readonly Outcome[]): Section {
  const kilobytes = (bytes: number) => bytes / 1024
  return {
    id: 'idle',
    title: 'What a connection takes that nothing happens on',
    rowsAre: 'clients',
    columns: [
      { name: 'resident', unit: 'KB' },
      { name: 'of it heap', unit: 'KB' },
      { name: 'processor for all', unit: '%' },
    ],
    rows: outcomes.map(({ name, resident, heap, idle }) => ({
      name,
      values: [kilobytes(resident), kilobytes(heap), idle?.servers],
    })),
    goals: outcomes
      .filter(({ isWhole }) => isWhole)
      .map(({ name, resident }) => ({
        what: `resident memory for each of ${name}`,
        value: kilobytes(resident),
        unit: 'KB',
        atMost: GOAL_KB,
      })),
  }
}

function paceSection({ name, paces }: Outcome): Section {
  return {
    id: 'pace',
    title: `The same ${name} connections over one server, written to more often`,
    rowsAre: 'changes a second',
    columns: [...delayColumns, ...usageColumns],
    rows: paces.map(({ perSecond, seen, usage }) => ({
      name: toText(perSecond),
      values: [...delayValues(seen), ...usageValues(usage)],
    })),
  }
}

/** What far more clients would take, by what the last thousands took. */
function manySection(outcomes: readonly Outcome[], files: number): Section {
  const [first, last] = [outcomes[0]!, outcomes.at(-1)!]
  const slope = (read: (outcome: Outcome) => number) =>
    (read(last) - read(first)) / (last.clients - first.clients)
  const row = (clients: number): Row => {
    const grown = (read: (outcome: Outcome) => number) =>
      read(last) + slope(read) * (clients - last.clients)
    const servers = grown(({ paces }) => paces[0]!.usage.servers)
    return {
      name: toText(clients),
      values: [
        grown((outcome) => outcome.resident * outcome.clients) / 2 ** 20,
        servers,
        grown(({ paces }) => paces[0]!.usage.postgres),
        Math.ceil(clients / files),
        Math.ceil(servers / BUSY),
      ],
    }
  }
  return {
    id: 'many',
    title: `What more clients would take, each as before, by the slope from ${first.name} to ${last.name}`,
    rowsAre: 'clients',
    columns: [
      { name: 'memory', unit: 'MB' },
      { name: 'processor of servers', unit: '%' },
      { name: 'of Postgres', unit: '%' },
      { name: 'servers by open files', unit: '' },
      { name: `servers by processor (${BUSY} % of a core each)`, unit: '' },
    ],
    rows: [last.clients, 50_000, 100_000].map(row),
  }
}

/** As many as one process may have files for, in four equal parts. */
function countPossible(): number {
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn']).toString().trim()
  const possible = limit === 'unlimited' ? MOST : Math.min(MOST, Number(limit) - OTHER_FILES)
  return Math.floor(possible / (4 * CLIENTS_A_MODEL)) * 4 * CLIENTS_A_MODEL
}

function toText(count: number): string {
  return Math.round(count).toLocaleString('en')
}
