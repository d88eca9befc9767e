/** How a test runner takes a test: `test` of vitest or of `node:test` will do. */
export type DefineTest = (title: string, run: () => Promise<void>) => void
