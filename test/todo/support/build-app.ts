import { fileURLToPath } from 'node:url'
import { build } from 'vite'

interface BuildOptions {
  /** A script to build in the place of the app. */
  readonly input?: string
  /** False for a build whose files have other contents, and so other names. */
  readonly minify?: boolean
}

/** Build the app into a folder, beside what is there, as its configuration says. */
export async function buildApp(outDir: string, options: BuildOptions = {}): Promise<void> {
  const { input, minify = true } = options
  const configFile = fileURLToPath(
    new URL('../../../examples/todo/vite.config.ts', import.meta.url),
  )
  const output = { entryFileNames: '[name].js' }
  await build({
    configFile,
    configLoader: 'native',
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: false,
      minify,
      ...(input && { rolldownOptions: { input, output } }),
    },
  })
}
