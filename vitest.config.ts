import { defineConfig } from 'vitest/config'

// The sources are run as they are: packages find each other's by this
// condition, so nothing has to be built before a test.
const conditions = ['@flushout/source', 'module', 'browser', 'development', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions: ['@flushout/source', 'node', 'module', 'development', 'default'] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'packages',
          include: ['packages/{core,client,server}/test/**/*.test.ts'],
          environment: 'node',
        },
      },
    ],
  },
})
