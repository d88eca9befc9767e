import sparticuz from '@sparticuz/chromium'
import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the browser that all files share listens. */
    browserUrl: string
  }
}

/** Start one Chromium: the one from npm, or where that does not run, the installed Chrome. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const isPacked = process.platform === 'linux' && process.arch === 'x64'
  const server = await chromium.launchServer({
    host: '127.0.0.1',
    ...(isPacked ? { executablePath: await sparticuz.executablePath() } : { channel: 'chrome' }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  project.provide('browserUrl', server.wsEndpoint())
  return () => server.close()
}
