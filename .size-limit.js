// What an application pays for: minified and gzipped, React and Immer apart. The
// limits lie 2 % above what is reached, so that growth is noticed.
const modifyRolldownConfig = (config) => ({
  ...config,
  resolve: { conditionNames: ['@flushout/source', 'browser', 'import', 'production'] },
})
// Without what is fetched when the page has shown, or when somebody asks for it.
const entry = ['index']
const shared = { gzip: true, ignore: ['react', 'react-dom', 'immer'], modifyRolldownConfig }

export default [
  {
    ...shared,
    name: 'core: a proxy',
    path: 'packages/core/src/index.ts',
    import: '{ CommandProxy, createIdFactory }',
    limit: '20.6 KB',
  },
  {
    ...shared,
    name: 'core + client + react',
    path: 'packages/react/src/index.ts',
    entry,
    // The provider needs a client, so an application has all three packages.
    import: {
      'packages/react/src/index.ts':
        '{ FlushoutProvider, useFlushout, useKeys, useNode, useSyncStatus }',
      'packages/client/src/index.ts': '{ createClient }',
    },
    limit: '32.4 KB',
  },
  {
    ...shared,
    name: 'the same, kept on the device',
    entry,
    path: 'packages/react/src/index.ts',
    import: {
      'packages/react/src/index.ts':
        '{ FlushoutProvider, useFlushout, useKeys, useNode, useSyncStatus }',
      'packages/client/src/index.ts': '{ createClient, onDevice }',
    },
    limit: '40.9 KB',
  },
  // Beside the client that an application has anyway; in none that does not import it.
  {
    ...shared,
    name: 'devtools',
    entry,
    path: 'packages/react/src/devtools.ts',
    import: { 'packages/react/src/devtools.ts': '{ FlushoutDevtools }' },
    limit: '14.2 KB',
  },
]
