// What a list of todos takes in memory, each list in a process of its own.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { flushout } from '../alternatives/flushout.ts'
import { inPlace } from '../alternatives/in-place.ts'
import type { Context, Section } from '../harness/section.ts'
import { lists } from './lists.ts'
import { makeTodos } from './todos.ts'

// More would change little, but some of them need minutes to take them in.
const SIZE = 20_000
const MAIN = fileURLToPath(new URL('memory-main.ts', import.meta.url))
// With its id and its fields a todo takes about 100 bytes as JSON.
const TEXT = 'Buy milk, bread and three apples, todo'

/** Bytes for each todo after an edit, and when all was read and is held. */
interface Measured {
  readonly edited: number
  readonly read: number
}

async function measure(name: string, source: string, signal: AbortSignal): Promise<Measured> {
  const child = fork(MAIN, [name], {
    execArgv: ['--conditions=@flushout/source', '--expose-gc', '--no-warnings'],
    stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    signal,
  })
  child.stdin!.end(source)
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${name} ended without a figure.`)
  })
  const [measured] = (await Promise.race([once(child, 'message'), ended])) as [Measured]
  return measured
}

export async function run({ signal }: Context): Promise<Section[]> {
  const source = JSON.stringify(makeTodos(SIZE, TEXT))
  const measured = new Map<string, Measured>()
  for (const { name } of lists) measured.set(name, await measure(name, source, signal))
  const plain = measured.get(inPlace.name)!.edited
  const named = [...measured].map(([name, bytes]) => ({
    name: name === inPlace.name ? 'plain objects' : name,
    ...bytes,
  }))
  const ours = measured.get(flushout.name)!
  const goal = { unit: '×', atMost: 2 } as const
  return [
    {
      id: 'todo',
      title: `Memory for each of ${SIZE.toLocaleString('en')} todos of ${Math.round(source.length / SIZE)} bytes as JSON`,
      columns: [
        { name: 'after an edit', unit: 'B' },
        { name: 'to plain objects', unit: '×' },
        { name: 'all read, and held', unit: 'B' },
        { name: 'to plain objects', unit: '×' },
      ],
      rows: named.map(({ name, edited, read }) => ({
        name,
        values: [edited, edited / plain, read, read / plain],
      })),
      goals: [
        { what: 'a todo after an edit, to plain objects', value: ours.edited / plain, ...goal },
        { what: 'with all read and held', value: ours.read / plain, ...goal },
      ],
      plot: {
        x: { name: 'a todo after an edit', unit: 'B' },
        bars: named.map(({ name, edited }) => ({ name, value: edited })),
      },
    },
  ]
}
