// 1,000 streams on one model that 20 of them change, each once a second; with short changes,
// with long ones, and with long ones while a tenth of the streams read nothing.
import type { Context, Section } from '../harness/section.ts'
import { delayColumns, delayGoal, delayValues } from './delays.ts'
import type { Seen, WriteTask } from './generator-main.ts'
import type { Memory } from './process-api.ts'
import { withStage, type Server, type Stage, type Usage } from './stage.ts'

const CLIENTS = 1000
const STALLED = 100
const SHORT = { perSecond: 20, writers: 20, characters: 40 }
const LONG = { ...SHORT, characters: 4000 }
// The kernel takes megabytes for a reader that stands still before the server notices:
// nothing is measured while it is filled up.
const FILLING = { perSecond: 5, writers: 20, characters: 50_000, forMs: 16_000 }
const FOR_MS = 10_000

interface Phase {
  readonly name: string
  readonly seen: readonly Seen[]
  readonly usage: Usage
}

export function run(context: Context): Promise<Section[]> {
  return withStage(context, async (stage) => {
    const server = await stage.startServer()
    const crowd = { clients: CLIENTS, models: 1, servers: [server], processes: 2 }
    await stage.prepare(crowd)
    await stage.connect(crowd)
    await stage.write({ ...SHORT, forMs: 4000 })

    const short = await play(stage, server, 'changes of 40 characters', SHORT)
    await stage.write({ ...LONG, forMs: 2000 })
    const long = await play(stage, server, 'changes of 4 KB', LONG)
    const before = await server.child.call('readMemory')
    await stage.stall(STALLED)
    await stage.write(FILLING)
    await stage.settle(server)
    const stalled = await play(stage, server, 'the same, a tenth reads nothing', LONG)
    const after = await server.child.call('readMemory')
    const missed = await resume(stage, server)
    return [delaySection([short, long, stalled]), stalledSection(before, after, missed)]
  })
}

/** Let them write for a while. */
async function play(
  stage: Stage,
  server: Server,
  name: string,
  write: Omit<WriteTask, 'forMs'>,
): Promise<Phase> {
  await stage.settle(server)
  await stage.collect()
  const usage = await stage.watch([server], `crowd, ${name}`, () =>
    stage.write({ ...write, forMs: FOR_MS }),
  )
  await stage.settle(server)
  return { name, seen: await stage.collect(), usage }
}

/** Let all of them read again; gives how often they had to ask for what they missed. */
async function resume(stage: Stage, server: Server): Promise<number> {
  await stage.resume()
  await stage.settle(server)
  const asked = (await stage.collect()).reduce((sum, seen) => sum + seen.asked, 0)
  if (asked < STALLED) throw new Error(`The server noticed ${asked} of ${STALLED} stalled streams.`)
  return asked
}

function delaySection(phases: readonly Phase[]): Section {
  return {
    id: 'delay',
    title: '1,000 streams on one model, 20 changes a second',
    columns: [...delayColumns, { name: 'processor of the server', unit: '%' }],
    rows: phases.map(({ name, seen, usage }) => ({
      name,
      values: [...delayValues(seen), usage.servers],
    })),
    goals: [delayGoal(phases[0]!.name, phases[0]!.seen, 99, 250)],
  }
}

function stalledSection(before: Memory, after: Memory, asked: number): Section {
  const each = (what: keyof Memory) => (after[what] - before[what]) / 1024 / STALLED
  return {
    id: 'stalled',
    title: 'What the server keeps for each of 100 streams that read nothing',
    columns: [
      { name: 'heap and buffers', unit: 'KB' },
      { name: 'resident', unit: 'KB' },
      { name: 'asked later', unit: '' },
    ],
    rows: [{ name: 'for each', values: [each('used'), each('rss'), asked] }],
    goals: [
      {
        what: 'memory for a stream that stands still',
        value: Math.max(0, each('used')),
        unit: 'KB',
        atMost: 150,
      },
    ],
  }
}
