import { defineConfig } from 'vitest/config'
import { reactCompiler } from './packages/react/test/support/react-compiler.ts'

// The sources are run as they are: packages find each other's by this
// condition, so nothing has to be built before a test.
const conditions = ['@flushout/source', 'module', 'browser', 'development', 'default']

const react = {
  include: ['packages/react/test/**/*.test.tsx'],
  environment: 'happy-dom',
  setupFiles: ['packages/react/test/support/setup.ts'],
}

export default defineConfig({
  resolve: { conditions },
  ssr: {
    resolve: { conditions: ['@flushout/source', 'node', 'module', 'development', 'default'] },
  },
  test: {
    // Property tests on a busy machine; nothing waits for this to pass.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'todo',
          include: ['test/todo/**/*.test.ts'],
          environment: 'node',
          globalSetup: 'test/todo/support/global-setup.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'packages',
          include: ['packages/{core,client}/test/**/*.test.ts', 'bench/test/**/*.test.ts'],
          environment: 'node',
        },
      },
      {
        extends: true,
        test: {
          name: 'server',
          include: ['packages/server/test/**/*.test.ts'],
          environment: 'node',
          globalSetup: 'packages/server/test/support/global-setup.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/{whole,readme}/**/*.test.{ts,tsx}'],
          environment: 'node',
          globalSetup: 'packages/server/test/support/global-setup.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          environment: 'node',
          globalSetup: 'packages/server/test/support/global-setup.ts',
        },
      },
      {
        extends: true,
        test: { name: 'crash', include: ['test/crash/**/*.test.ts'], environment: 'node' },
      },
      { extends: true, test: { ...react, name: 'react' } },
      {
        extends: true,
        plugins: [reactCompiler()],
        test: { ...react, name: 'react-compiler', env: { REACT_COMPILER: 'on' } },
      },
    ],
  },
})
