import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown, type OutputAsset, type OutputChunk } from 'rolldown'

/** What an app imports, by module. */
export interface Imports {
  readonly [module: string]: readonly string[]
}

/** What a page has to fetch for an app, minified and gzipped, in bytes. */
export interface Weight {
  /** With the page: the app and all that it imports. */
  readonly first: number
  /** That, and whatever it may import while it is open. */
  readonly all: number
}

const PAGE = 'virtual:page'
/** React and Immer are the app's own matter, whoever uses them. */
const APART = /^(react|react-dom|immer)($|\/)/

/** Weigh what an app of these imports needs, bundled as size-limit does it. */
export async function weigh(imports: Imports, apart: RegExp | [] = APART): Promise<Weight> {
  const bundle = await rolldown({
    input: PAGE,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    external: apart,
    platform: 'browser',
    resolve: { conditionNames: ['@flushout/source', 'browser', 'import', 'production'] },
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    // Fetched beside the script that asks for it.
    moduleTypes: { '.wasm': 'asset' },
    logLevel: 'silent',
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === PAGE ? id : undefined),
        load: (id) => (id === PAGE ? write(imports) : undefined),
      },
    ],
  })
  const { output } = await bundle.generate({ minify: true, comments: { annotation: false } })
  await bundle.close()
  const chunks = output.filter((part) => part.type === 'chunk')
  const assets = output.filter((part) => part.type === 'asset')
  const first = withImports(
    chunks.find(({ isEntry }) => isEntry)!,
    chunks,
  )
  return { first: sum([...first, ...assets]), all: sum(output) }
}

/** A page that uses all of the imports. */
function write(imports: Imports): string {
  const lines = Object.entries(imports).map(
    ([module, names]) => `import { ${names.join(', ')} } from '${module}'`,
  )
  return `${lines.join('\n')}\nconsole.log(${Object.values(imports).flat().join(', ')})`
}

function withImports(entry: OutputChunk, chunks: readonly OutputChunk[]): Set<OutputChunk> {
  const found = new Set([entry])
  // What is added on the way is gone through, too.
  for (const { imports } of found) {
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) found.add(chunk)
  }
  return found
}

function sum(parts: readonly (OutputChunk | OutputAsset)[]): number {
  const sources = parts.map((part) => (part.type === 'chunk' ? part.code : part.source))
  return sources.reduce((bytes, source) => bytes + gzipSync(source, { level: 9 }).length, 0)
}
