// The process of one list, started by `memory.ts` with its name and size: sends how many
// bytes it takes for each todo after an edit, and when all of it was read and is held.
import { text } from 'node:stream/consumers'
import { lists } from './lists.ts'
import type { Todos } from '../alternatives/alternative.ts'

const name = process.argv[2]
let source: string | undefined = await text(process.stdin)
const alternative = lists.find((one) => one.name === name)!

/** What is alive now, that of WebAssembly included. */
function measure(): number {
  for (let n = 0; n < 4; n += 1) globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** From the text that a server would send, as an application does. */
async function open() {
  const todos = JSON.parse(source!) as Todos
  return { list: await alternative.open(todos), size: Object.keys(todos).length }
}

// Compiles and loads what is there once for any number of todos.
const whole = source
source = '{"first":{"text":"one","done":false}}'
await open()
source = whole
const before = measure()
const { list, size } = await open()
const [first] = Object.keys(JSON.parse(source) as Todos)
// Some hold a list in another way once it changes.
await list.setDone(first!, true)
list.settle?.()
// So that collectors have time for what was left to promises.
await new Promise((resolve) => setTimeout(resolve, 100))
const edited = measure()
const all = await list.readAll()
const read = measure()
if (all === undefined || !(await list.toPlain())[first!]!.done) {
  throw new Error(`${name} has lost an edit.`)
}
process.send!({ edited: (edited - before) / size, read: (read - before) / size }, () =>
  process.exit(),
)
