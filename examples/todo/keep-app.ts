import { readFile } from 'node:fs/promises'
import type { Plugin } from 'vite'

/**
 * Build the service worker, which keeps the app on the device: `source`, with the
 * names of all files of the build before it.
 */
export function keepApp(source: URL): Plugin {
  return {
    name: 'keep-app',
    apply: 'build',
    enforce: 'post',
    async generateBundle(_options, bundle) {
      const page = bundle['index.html']
      if (page?.type !== 'asset') return
      // By a name that no other build has, so that page and files always fit.
      const reference = this.emitFile({ type: 'asset', name: 'page.html', source: page.source })
      const kept = this.getFileName(reference)
      const files = Object.keys(bundle).filter((file) => file !== 'index.html')
      const names = [...new Set([kept, ...files])].map((file) => `/${file}`)
      this.emitFile({
        type: 'asset',
        fileName: 'service-worker.js',
        source: `const PAGE = ${JSON.stringify(names[0])}
const FILES = ${JSON.stringify(names)}
${await readFile(source, 'utf8')}`,
      })
    },
  }
}
