// Whether what would be published works for whoever installs it: publint reads
// the package, attw resolves its types as each kind of project would.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

let hasFailed = false
for (const name of readdirSync('packages')) {
  const cwd = `packages/${name}`
  for (const [command, ...args] of [
    ['publint', '--strict'],
    ['attw', '--pack', '.', '--profile', 'esm-only', '--quiet'],
  ]) {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
    if (status === 0) continue
    hasFailed = true
    console.error(`${command} ${args.join(' ')} in ${cwd}:\n${stdout}${stderr}`)
  }
}
process.exit(hasFailed ? 1 : 0)
