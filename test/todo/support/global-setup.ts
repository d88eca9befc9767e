import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'
import { findChromium } from '../../support/chromium.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the browser that all files share listens. */
    browserUrl: string
  }
}

/** Start one Chromium for all. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await chromium.launchServer({ host: '127.0.0.1', ...(await findChromium()) })
  project.provide('browserUrl', server.wsEndpoint())
  return () => server.close()
}
