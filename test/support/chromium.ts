import sparticuz from '@sparticuz/chromium'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { LaunchOptions } from 'playwright-core'

/** How to launch Chromium here: the one from npm, or where that does not run, the installed Chrome. */
export async function findChromium(): Promise<LaunchOptions> {
  const isPacked = process.platform === 'linux' && process.arch === 'x64'
  return {
    ...(isPacked ? { executablePath: await unpack() } : { channel: 'chrome' }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  }
}

/**
 * Unpack the browser into this checkout. By itself it would go to the temporary
 * folder, for this user alone, and nobody else on the machine could run the tests.
 */
async function unpack(): Promise<string> {
  const folder = fileURLToPath(
    new URL('../../node_modules/.cache/flushout-chromium', import.meta.url),
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
