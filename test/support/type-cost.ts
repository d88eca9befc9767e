import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the compiler says of one file of an application. */
export interface TypeCost {
  readonly errors: readonly string[]
  /** A measure of its work that is the same on every machine. */
  readonly instantiations: number
}

/** Have the compiler check `source`, a file that uses the packages of this workspace. */
export async function checkTypes(source: string): Promise<TypeCost> {
  const folder = await mkdtemp(join(tmpdir(), 'flushout-types-'))
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(join(folder, 'app.tsx'), source)
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    // Applications see what was built.
    await compile('-b', join(root, 'packages/react'))
    // One thread: how several share the work differs from run to run.
    const output = await compile('-p', folder, '--extendedDiagnostics', '--singleThreaded')
    return {
      errors: output.split('\n').filter((line) => line.includes('error TS')),
      instantiations: Number(/^Instantiations:\s+(\d+)/m.exec(output)?.[1]),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

const config = {
  extends: join(root, 'tsconfig.base.json'),
  compilerOptions: {
    customConditions: [],
    composite: false,
    lib: ['es2023', 'es2024.string', 'dom', 'dom.iterable'],
    types: ['react', 'node'],
    jsx: 'react-jsx',
    noEmit: true,
    declaration: false,
    declarationMap: false,
    isolatedDeclarations: false,
    allowImportingTsExtensions: true,
    rewriteRelativeImportExtensions: false,
  },
  files: ['app.tsx'],
}

function compile(...args: readonly string[]): Promise<string> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [tsc, ...args], { maxBuffer: 2 ** 24 }, (error, stdout) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve(stdout)
    })
  })
}
