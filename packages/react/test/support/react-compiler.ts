// @ts-expect-error Babel 7 comes without types.
import { transformAsync } from '@babel/core'
import type { Plugin } from 'vite'

/**
 * Sends hooks and tests through the React Compiler, as an application does that
 * uses it. What it would leave as it is, because it cannot prove it safe, is an
 * error.
 */
export function reactCompiler(): Plugin {
  return {
    name: 'react-compiler',
    enforce: 'pre',
    async transform(code, id) {
      if (!/packages\/react\/(src|test)\/[^?]*\.tsx?$/.test(id)) return undefined
      const result = await transformAsync(code, {
        filename: id,
        babelrc: false,
        configFile: false,
        sourceMaps: true,
        parserOpts: { plugins: id.endsWith('x') ? ['typescript', 'jsx'] : ['typescript'] },
        plugins: [['babel-plugin-react-compiler', { panicThreshold: 'all_errors' }]],
      })
      return { code: result.code, map: result.map }
    },
  }
}
