// The process of one benchmark, started by `main.ts` with its name, and the folder for
// profiles if they are wanted. Sends its sections to whoever started it.
import { catalogue } from './catalogue.ts'

const [name, profileFolder] = process.argv.slice(2) as [string, string | undefined]
const stopped = new AbortController()
process.on('message', () => stopped.abort(new Error('It was stopped.')))
// Whoever waits for the sections is gone.
process.on('disconnect', () => stopped.abort(new Error('Nobody waits for it any more.')))

const benchmark = await catalogue[name]!()
try {
  const sections = await benchmark.run({ signal: stopped.signal, profileFolder })
  await new Promise<void>((resolve) => process.send!(sections, () => resolve()))
} catch (error) {
  const why = stopped.signal.aborted ? (stopped.signal.reason as Error) : (error as Error)
  console.error(
    `${name} ended without figures: ${stopped.signal.aborted ? why.message : why.stack}`,
  )
  process.exitCode = 1
}
process.removeAllListeners('disconnect')
if (process.connected) process.disconnect()
// Some of the contenders keep timers for good.
process.exit()
