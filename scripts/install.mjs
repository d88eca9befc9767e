// Runs before anything else on a fresh clone, on whatever Node the machine has
// (>= 20), so it may use nothing but Node itself. Installs when node_modules is
// missing or older than the lock file; otherwise costs a few milliseconds.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
// npm writes it last, so an install that broke off counts as none.
const marker = join(root, 'node_modules', '.package-lock.json')
const lock = join(root, 'package-lock.json')

const isCurrent =
  existsSync(marker) && existsSync(lock) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs

if (!isCurrent) {
  console.error('Installing packages (first run only) …')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  // What `npm ci` does with the lock file, but without its refusal of a lock
  // file that lacks optional packages for other platforms.
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync(npm, args, {
    cwd: root,
    // stdout stays clean for whoever reads the output of the real command.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error('npm install failed; its messages are above.')
    process.exit(status ?? 1)
  }
}
