// `npm start`: installs what is missing, then runs the example on the Node that
// came with it, and passes on whatever should end it.
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import './install.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const node = join(
  root,
  'node_modules',
  'node',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
)
const main = join(root, 'examples', 'todo', 'src', 'main.ts')

const app = spawn(node, ['--conditions=@flushout/source', main], { stdio: 'inherit' })
app.on('error', (error) => {
  console.error(`${node} cannot be run: ${error.message}`)
  process.exit(1)
})
app.on('exit', (code) => process.exit(code ?? 1))

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => app.kill(signal))

// npm passes a signal on to its shell, and that dies of it without a word.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) app.kill('SIGTERM')
}, 500)
